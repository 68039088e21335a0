#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# soak.sh [MINUTES]: eight cameras with faults, segmented for that long
# (default: 10). Prints what was done and what is held, and fails if it grows.
. "$(dirname "${BASH_SOURCE[0]}")/../pipelines/lib.sh"
run_python ../tests/soak.py "$@"
