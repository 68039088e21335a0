#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-fuzzer.sh FUZZER CORPUS DICTIONARY: runs a fuzzer for $FUZZ_SECONDS
# (default: 10). Leaves the corpus alone, and keeps an input that fails.
set -euo pipefail
found=$(mktemp -d)
"$1" -max_total_time="${FUZZ_SECONDS:-10}" -dict="$3" -print_final_stats=1 \
  -artifact_prefix="$found/" "$found" "$2" 2>&1 | tail -n 40 || {
  echo "the input is in $found"
  exit 1
}
rm -rf "$found"
