#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the programs of the suite gpu and the benchmark on this machine's GPU.
#   tests/gpu/run.sh [BUILD] [MODEL]
# BUILD: a build directory or an unpacked copy of one. MODEL: the safetensors
# file that is timed. Needs neither network nor Meson. Raw lines of the
# benchmark go to BUILD/gpu-bench.json, a table is printed last.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source_root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$source_root/build}" && pwd) || exit 2
if [ -f "$build/env.sh" ]; then . "$build/env.sh"; fi

find_first() { find "$build" "$source_root/models" -name "$1" -type f 2>/dev/null | head -n 1; }
program() { find "$build" -name "$1" -type f -perm -u+x 2>/dev/null | head -n 1; }
model=${2:-$(find_first '*.safetensors')}
if [ -z "$model" ]; then echo "no model; name one as the second argument" >&2; exit 2; fi

: "${FASTSCNN_MODEL_PATH:=$(dirname "$model")}"
: "${FASTSCNN_MODULE_PATH:=$build/cuda:$build/cpu}"
export FASTSCNN_MODEL_PATH FASTSCNN_MODULE_PATH
if [ ! -f "$build/env.sh" ]; then
  export GST_PLUGIN_PATH="$build/gst/fastscnn" GST_REGISTRY="$build/gpu-registry.bin"
fi

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null
summary=""
note() { summary="$summary$1
"; }

run_test() {
  name=$1; shift
  file=$(program "$name")
  if [ -z "$file" ]; then note "$name: not built"; return; fi
  log="$build/$name.log"
  "$@" "$file" --tap > "$log" 2>&1
  code=$?
  cat "$log"
  if grep -q '^1\.\.0 # SKIP' "$log"; then verdict="skipped: $(sed -n 's/^1\.\.0 # SKIP //p' "$log")"
  elif [ $code -eq 0 ] && ! grep -q '^not ok' "$log"; then verdict="passed, $(grep -c '^ok' "$log") tests"
  else verdict="FAILED ($code)"; failed=1; fi
  note "$name${2:+ under $1 $3}: $verdict"
}

failed=0
for name in test-gpu-kernels test-gpu-engine test-gpu-painter test-gpu-element; do run_test $name; done

# sanitize TOOL PROGRAM [TEST]: a short run under a tool of compute-sanitizer.
sanitize() {
  log="$build/sanitizer-$1-$2.log"
  # Our return codes are checked, and cuDNN tries what may fail.
  compute-sanitizer --tool "$1" --report-api-errors no --error-exitcode 9 \
    "$(program "$2")" --tap ${3:+-p "$3"} > "$log" 2>&1
  code=$?
  tail -n 3 "$log"
  if [ $code -eq 0 ]; then note "compute-sanitizer $1 $2: clean"
  else note "compute-sanitizer $1 $2: FAILED ($code), see $log"; failed=1; fi
}

if command -v compute-sanitizer > /dev/null; then
  for tool in memcheck racecheck initcheck; do
    sanitize $tool test-gpu-kernels
    sanitize $tool test-gpu-painter
    sanitize $tool test-gpu-engine /gpu/engine/memories
    sanitize $tool test-gpu-engine /gpu/engine/options
  done
else
  note "compute-sanitizer: not installed"
fi

bench=$(program bench)
json="$build/gpu-bench.json"
if [ -n "$bench" ] && "$bench" --backend cuda --json --model "$model" > "$json"
then
  cat "$json"
  table=$(sed -E 's/.*"memory":"([a-z]+)".*"width":([0-9]+),"height":([0-9]+).*"ms_median":([0-9.]+),"ms_p95":([0-9.]+),"fps":([0-9.]+),"fps_in_flight":([0-9.]+),"peak_bytes":([0-9]+).*/\1 \2x\3 \4 \5 \6 \7 \8/' "$json" |
    awk 'BEGIN { printf "%-8s %-10s %9s %9s %9s %9s %8s\n", "memory", "size", "ms", "ms p95", "fps", "in flight", "MB" }
      { printf "%-8s %-10s %9.3f %9.3f %9.0f %9.0f %8.1f\n", $1, $2, $3, $4, $5, $6, $7 / 1e6 }')
else
  table="no benchmark"
fi
echo
printf '%s' "$summary"
echo "$table"
exit $failed
