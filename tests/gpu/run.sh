#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Measures and tests on this machine's GPU, within ten minutes.
#   tests/gpu/run.sh [BUILD] [MODEL] [STEP...]
# BUILD: a build directory (default: build), or a folder that holds env.sh and
# the programs in bin/. MODEL: the safetensors file for the tests and the
# benchmarks. STEP (default: all, in this order):
#   handover  the cost of one more kernel in a graph
#   blocks    each block of the network, fused and layer by layer
#   bench     the engine at three sizes, compared with the last release
#   ncu       each kernel of the network, with warm caches (Nsight Compute)
#   streams   1, 2, 4, 8, 16 and 64 streams in parallel
#   peers     PyTorch on the same frames (compare-peers.py)
#   tests     the suite gpu
#   sanitize  our kernels under compute-sanitizer
# Needs neither the internet nor Meson. Writes logs, and the lines of the benchmark
# as gpu-bench.json, into BUILD; prints a summary at the end.
set -u
all='handover blocks bench ncu streams peers tests sanitize'
# Time limits in seconds. Time that a step does not use goes to the later ones.
# Most of cuDNN's plans are built in the step blocks.
declare -A seconds=(
  [handover]=15 [blocks]=160 [bench]=40 [ncu]=40
  [streams]=40 [peers]=130 [tests]=90 [sanitize]=80
)
to_kill=5  # seconds from SIGTERM to SIGKILL
total=$((600 - to_kill))
if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  sed -n '3,/^set/{/^#/s/^# \?//p}' "$0"
  exit
fi
source_root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${1:-$source_root/build}" && pwd) || exit 2
model=${2:-}
shift $(($# < 2 ? $# : 2))
steps=${*:-$all}

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
plans=$build/gpu-bench-plans

failed=0
summary=""
note() { summary="$summary$1
"; }
fail() { note "$1"; failed=1; }

has_tool() {
  command -v "$1" > /dev/null && return
  note "$1: not installed, skipped"
  return 1
}

# limited PROGRAM [ARGUMENT...]: runs it within the time left to the step.
limited() {
  local left=$((deadline - SECONDS))
  if [ $left -le 0 ]; then
    echo "no time is left for $*" >&2
    return 124
  fi
  timeout -k $to_kill $left "$@"
}

# measure NAME PROGRAM [ARGUMENT...]: prints what the program prints.
measure() {
  name=$1 log=$build/gpu-$1.log
  shift
  echo "== $name"
  if [ ! -x "$1" ]; then fail "$name: $1 is not built"; return 1; fi
  if limited "$@" 2>&1 | tee "$log"; [ "${PIPESTATUS[0]}" -ne 0 ]; then
    fail "$name: FAILED, see $log"
    return 1
  fi
}

# Prints for each line of a benchmark: memory, size, ms, ms p95, fps, bytes.
read_bench() {
  sed -nE 's/": /":/g; s/, "/,"/g; s/.*"memory":"([a-z]+)".*"width":([0-9]+),"height":([0-9]+).*"ms_median":([0-9.]+),"ms_p95":([0-9.]+),"fps":([0-9.]+).*"peak_bytes":([0-9]+).*/\1 \2x\3 \4 \5 \6 \7/p' "$1"
}

run_bench() {
  json=$build/gpu-bench.json
  # Not measure: it would add the progress on standard error to the results.
  echo '== bench'
  if ! limited "$bench" --backend cuda --json --model "$model" \
      --plans "$plans" > "$json"; then
    fail 'bench: FAILED'
    return
  fi
  cat "$json"
  { read_bench "$source_root/tests/results/bench-h200.json"; echo; read_bench "$json"; } |
    awk 'BEGIN { printf "%-8s %-10s %9s %9s %9s %8s %12s\n", "memory", "size", "ms", "ms p95", "fps", "MB", "release ms" }
      NF == 0 { ours = 1; next }
      !ours { release[$1 $2] = $3; next }
      { printf "%-8s %-10s %9.3f %9.3f %9.0f %8.1f %12s\n", $1, $2, $3, $4, $5, $6 / 1e6, release[$1 $2] }'
}

# With clocks and caches as in normal use.
run_ncu() {
  has_tool ncu || return
  measure ncu "$(command -v ncu)" --cache-control none --clock-control none \
    --profile-from-start off --csv --page raw \
    --metrics gpu__time_duration.sum,launch__registers_per_thread,sm__warps_active.avg.pct_of_peak_sustained_active \
    "$tests/bench-blocks" --profile "$model" "$plans"
}

run_peers() {
  has_tool python3 || return
  echo '== peers'
  limited python3 "$source_root/tests/bench/compare-peers.py" --cuda \
    --bench "$bench" --model "$model" --plans "$plans"
  case $? in
    0) ;;
    77) note 'peers: skipped, PyTorch sees no GPU' ;;
    *) note 'peers: not compared, see above' ;;
  esac
}

# Runs a whole program; if that fails, runs its tests one by one, because the
# first failure ends the program and hides the results of the others.
run_test() {
  name=$1
  file=$tests/$name
  if [ ! -x "$file" ]; then fail "$name: not built"; return; fi
  log="$build/$name.log"
  limited "$file" --tap > "$log" 2>&1
  code=$?
  if grep -q '^1\.\.0 # SKIP' "$log"; then
    note "$name: skipped: $(sed -n 's/^1\.\.0 # SKIP //p' "$log")"
  elif [ $code -eq 0 ] && ! grep -q '^not ok' "$log"; then
    note "$name: passed, $(grep -c '^ok' "$log") tests"
  else
    fail "$name: FAILED ($code)"
    for test in $("$file" -l | grep '^/'); do
      limited "$file" --tap -p "$test" >> "$log" 2>&1 ||
        note "  $test: FAILED ($?)"
    done
  fi
  cat "$log"
}

run_tests() {
  for name in kernels fused painter engine element; do
    run_test "test-gpu-$name"
  done
}

# sanitize TOOL PROGRAM [TEST [OPTION...]]: a short run under a tool of
# compute-sanitizer.
sanitize() {
  log="$build/sanitizer-$1-$2.log"
  # API errors are not reported: our code checks them, and cuDNN provokes some.
  limited compute-sanitizer --tool "$1" --report-api-errors no \
    --error-exitcode 9 "${@:4}" "$tests/$2" --tap ${3:+-p "$3"} > "$log" 2>&1
  code=$?
  tail -n 3 "$log"
  if [ $code -eq 0 ]; then note "compute-sanitizer $1 $2 ${3:-}: clean"
  else fail "compute-sanitizer $1 $2 ${3:-}: FAILED ($code), see $log"; fi
}

run_sanitizers() {
  has_tool compute-sanitizer || return
  # Only our kernels: the tools would take long for those of cuDNN, which also
  # read uninitialised memory.
  for tool in memcheck racecheck initcheck synccheck; do
    sanitize $tool test-gpu-fused /gpu/fused/small --kernel-name kernel_substring=run_clusters
  done
  for tool in memcheck racecheck initcheck; do
    sanitize $tool test-gpu-kernels
    sanitize $tool test-gpu-painter
  done
  sanitize memcheck test-gpu-engine /gpu-half/engine/frames
  sanitize memcheck test-gpu-engine /gpu-half/engine/device-memory
}

for step in $steps; do
  case " $all " in
    *" $step "*) ;;
    *) echo "no step $step: $all" >&2; exit 2 ;;
  esac
done
if ! nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null; then
  # A Jetson may lack nvidia-smi.
  if [ ! -e /dev/nvhost-gpu ]; then
    note 'no GPU: only the tests are run, and most of them are skipped'
    steps=$(for step in $steps; do [ "$step" != tests ] || echo tests; done)
  fi
fi
reserved=0
for step in $steps; do
  reserved=$((reserved + seconds[$step]))
done
for step in $steps; do
  reserved=$((reserved - seconds[$step]))
  deadline=$((total - reserved))
  case $step in
    handover) measure handover "$tests/bench-handover" ;;
    blocks) measure blocks "$tests/bench-blocks" "$model" "$plans" ;;
    bench) run_bench ;;
    ncu) run_ncu ;;
    streams) measure streams "$tests/bench-parallel" "$model" "$plans" ;;
    peers) run_peers ;;
    tests) run_tests ;;
    sanitize) run_sanitizers ;;
  esac
done
echo
printf '%s' "$summary"
exit $failed
