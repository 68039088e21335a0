#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# soak.sh [MINUTES]: eight cameras with faults, segmented for that long
# (default: 10). Prints what was done and what is held, and fails if it grows.
. "$(dirname "${BASH_SOURCE[0]}")/../../pipelines/lib.sh"
# Frames return to the system when they are freed, so that what is measured is
# what is held, and not what the allocator keeps for later.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
run_python ../tests/tools/soak.py "$@"
