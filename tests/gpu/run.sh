#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the programs of the suite gpu and the benchmark on this machine's GPU.
#   tests/gpu/run.sh [BUILD] [MODEL] [STEP...]
# BUILD: a build directory or an unpacked copy of one. MODEL: the safetensors
# file that is timed. STEP: tests, bench, sanitize (default: all three).
# Needs neither network nor Meson. Raw lines of the benchmark go to
# BUILD/gpu-bench.json, a table is printed last.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source_root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$source_root/build}" && pwd) || exit 2
if [ -f "$build/env.sh" ]; then . "$build/env.sh"; fi

find_first() { find "$build" "$source_root/models" -name "$1" -type f 2>/dev/null | head -n 1; }
program() { find "$build" -name "$1" -type f -perm -u+x 2>/dev/null | head -n 1; }
model=${2:-$(find_first '*.safetensors')}
shift $(($# < 2 ? $# : 2))
steps=${*:-tests bench sanitize}
if [ -z "$model" ]; then echo "no model; name one as the second argument" >&2; exit 2; fi

: "${FASTSCNN_MODEL_PATH:=$(dirname "$model")}"
: "${FASTSCNN_MODULE_PATH:=$build/cuda:$build/cpu}"
export FASTSCNN_MODEL_PATH FASTSCNN_MODULE_PATH
if [ ! -f "$build/env.sh" ]; then
  export GST_PLUGIN_PATH="$build/gst/plugin" GST_REGISTRY="$build/gpu-registry.bin"
fi

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null
summary=""
note() { summary="$summary$1
"; }

# As a whole, and where that fails, one test after the other: the first that
# fails ends a program, and what comes after it is worth knowing.
run_test() {
  name=$1
  file=$(program "$name")
  if [ -z "$file" ]; then note "$name: not built"; return; fi
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
  for name in test-gpu-kernels test-gpu-painter test-gpu-engine test-gpu-element
  do run_test $name; done
}

# sanitize TOOL PROGRAM [TEST]: a short run under a tool of compute-sanitizer.
sanitize() {
  log="$build/sanitizer-$1-$2.log"
  # Our return codes are checked, and cuDNN tries what may fail.
  timeout -k 5 300 compute-sanitizer --tool "$1" --report-api-errors no \
    --error-exitcode 9 "$(program "$2")" --tap ${3:+-p "$3"} > "$log" 2>&1
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
  # The other tools would look at cuDNN's own kernels, too.
  sanitize memcheck test-gpu-engine /gpu/engine/options
  sanitize memcheck test-gpu-engine /gpu/engine/memories
}

run_bench() {
  bench=$(program bench)
  json="$build/gpu-bench.json"
  if [ -z "$bench" ] ||
     ! "$bench" --backend cuda --json --model "$model" \
       --plans "$build/gpu-bench-plans" > "$json"; then
    note "bench: FAILED"; failed=1
    return
  fi
  cat "$json"
  table=$(sed -E 's/.*"memory":"([a-z]+)".*"width":([0-9]+),"height":([0-9]+).*"ms_median":([0-9.]+),"ms_p95":([0-9.]+),"fps":([0-9.]+),"fps_in_flight":([0-9.]+),"peak_bytes":([0-9]+).*/\1 \2x\3 \4 \5 \6 \7 \8/' "$json" |
    awk 'BEGIN { printf "%-8s %-10s %9s %9s %9s %9s %8s\n", "memory", "size", "ms", "ms p95", "fps", "in flight", "MB" }
      { printf "%-8s %-10s %9.3f %9.3f %9.0f %9.0f %8.1f\n", $1, $2, $3, $4, $5, $6, $7 / 1e6 }')
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
