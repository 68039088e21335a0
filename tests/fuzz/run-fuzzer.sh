#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-fuzzer.sh FUZZER CORPUS DICTIONARY: half a minute of one fuzzer, in a
# copy of its corpus. FUZZ_OPTIONS replaces the half minute.
set -euo pipefail
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
# shellcheck disable=SC2086 # several options
"$1" ${FUZZ_OPTIONS:--max_total_time=30} -dict="$3" -print_final_stats=1 \
  "$found" "$2" 2>&1 | tail -n 12
