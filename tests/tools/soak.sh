#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# soak.sh [MINUTES]: segments eight faulty cameras (default: 10 minutes). Fails if
# memory grows or a stream stalls.
. "$(dirname "${BASH_SOURCE[0]}")/../../pipelines/lib.sh"
# Freed frames return to the system at once, so that the allocator's cache is not
# measured.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
run_python ../tests/tools/soak.py "$@"
