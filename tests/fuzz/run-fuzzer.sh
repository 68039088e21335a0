#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-fuzzer.sh FUZZER CORPUS DICTIONARY: 24 seconds of one fuzzer, in a copy of
# its corpus. FUZZ_OPTIONS replaces the 24 seconds.
set -euo pipefail
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
# shellcheck disable=SC2086 # several options
"$1" ${FUZZ_OPTIONS:--max_total_time=24} -dict="$3" -print_final_stats=1 \
  -artifact_prefix="$found/" "$found" "$2" 2>&1 | tail -n 40
