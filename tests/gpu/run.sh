#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the tests of the suite gpu and the benchmark on this machine's GPU.
#   tests/gpu/run.sh [BUILD] [MODEL] [STEP...]
# BUILD: a build directory (default: build), or a folder that holds env.sh and
# the programs in bin/. MODEL: the safetensors file for the tests and the
# benchmark. STEP: tests, bench, sanitize (default: all three).
# Needs neither a network nor Meson. Writes logs, and the lines of the benchmark
# as gpu-bench.json, into BUILD; prints a summary at the end.
set -u
source_root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source_root/build}" && pwd) || exit 2
model=${2:-}
shift $(($# < 2 ? $# : 2))
steps=${*:-tests bench sanitize}

if [ -f "$build/env.sh" ]; then
  . "$build/env.sh"
  tests=$build/bin bench=$build/bin/bench
else
  tests=$build/tests/gpu bench=$build/tests/bench/bench
  export GST_PLUGIN_PATH="$build/gst/plugin" GST_REGISTRY="$build/gpu-registry.bin"
  export FASTSCNN_MODULE_PATH="${FASTSCNN_MODULE_PATH:-$build/cuda:$build/cpu}"
  export FASTSCNN_MODEL_PATH="${FASTSCNN_MODEL_PATH:-$source_root/models}"
fi
if [ -n "$model" ]; then
  FASTSCNN_MODEL_PATH=$(cd "$(dirname "$model")" && pwd) || exit 2
else
  model=$(find "$FASTSCNN_MODEL_PATH" -maxdepth 1 -name '*.safetensors' | sort | head -n 1)
fi
if [ ! -f "$model" ]; then
  echo "no model in $FASTSCNN_MODEL_PATH; name one as the second argument" >&2
  exit 2
fi

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null
summary=""
note() { summary="$summary$1
"; }

# Runs a whole program; if that fails, runs its tests one by one, because the
# first failure ends the program and hides the results of the others.
run_test() {
  name=$1
  file=$tests/$name
  if [ ! -x "$file" ]; then note "$name: not built"; failed=1; return; fi
  log="$build/$name.log"
  timeout -k 5 300 "$file" --tap > "$log" 2>&1
  code=$?
  if grep -q '^1\.\.0 # SKIP' "$log"; then
    note "$name: skipped: $(sed -n 's/^1\.\.0 # SKIP //p' "$log")"
  elif [ $code -eq 0 ] && ! grep -q '^not ok' "$log"; then
    note "$name: passed, $(grep -c '^ok' "$log") tests"
  else
    failed=1
    note "$name: FAILED ($code)"
    for test in $("$file" -l | grep '^/'); do
      timeout -k 5 120 "$file" --tap -p "$test" >> "$log" 2>&1 ||
        note "  $test: FAILED ($?)"
    done
  fi
  cat "$log"
}

run_tests() {
  for name in kernels painter engine element; do run_test "test-gpu-$name"; done
}

# sanitize TOOL PROGRAM [TEST]: a short run under a tool of compute-sanitizer.
sanitize() {
  log="$build/sanitizer-$1-$2.log"
  # API errors are not reported: our code checks them, and cuDNN provokes some.
  timeout -k 5 300 compute-sanitizer --tool "$1" --report-api-errors no \
    --error-exitcode 9 "$tests/$2" --tap ${3:+-p "$3"} > "$log" 2>&1
  code=$?
  tail -n 3 "$log"
  if [ $code -eq 0 ]; then note "compute-sanitizer $1 $2 ${3:-}: clean"
  else note "compute-sanitizer $1 $2 ${3:-}: FAILED ($code), see $log"; failed=1; fi
}

run_sanitizers() {
  if ! command -v compute-sanitizer > /dev/null; then
    note "compute-sanitizer: not installed"
    return
  fi
  for tool in memcheck racecheck initcheck; do
    sanitize $tool test-gpu-kernels
    sanitize $tool test-gpu-painter
  done
  # Only memcheck: the other tools would check cuDNN's own kernels, too.
  sanitize memcheck test-gpu-engine /gpu-half/engine/frames
  sanitize memcheck test-gpu-engine /gpu-half/engine/device-memory
}

run_bench() {
  json="$build/gpu-bench.json"
  if ! "$bench" --backend cuda --json --model "$model" \
      --plans "$build/gpu-bench-plans" > "$json"; then
    note "bench: FAILED"; failed=1
    return
  fi
  cat "$json"
  table=$(sed -E 's/.*"memory":"([a-z]+)".*"width":([0-9]+),"height":([0-9]+).*"ms_median":([0-9.]+),"ms_p95":([0-9.]+),"fps":([0-9.]+),"peak_bytes":([0-9]+).*/\1 \2x\3 \4 \5 \6 \7/' "$json" |
    awk 'BEGIN { printf "%-8s %-10s %9s %9s %9s %8s\n", "memory", "size", "ms", "ms p95", "fps", "MB" }
      { printf "%-8s %-10s %9.3f %9.3f %9.0f %8.1f\n", $1, $2, $3, $4, $5, $6 / 1e6 }')
}

failed=0
table=
for step in $steps; do
  case $step in
    tests) run_tests ;;
    bench) run_bench ;;
    sanitize) run_sanitizers ;;
    *) echo "no step $step: tests, bench or sanitize" >&2; exit 2 ;;
  esac
done
echo
printf '%s' "$summary"
[ -z "$table" ] || echo "$table"
exit $failed
