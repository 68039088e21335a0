#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds and tests. The last line is "N passed, N failed, N skipped"; the exit
# status is 0 if nothing failed.
#
#   tests/run.sh            every commit: the five stages below
#   tests/run.sh STAGE...   only these stages
#
#   --style      formatting, includes, shell scripts
#   --unit       network, engines, metadata library, cuDNN plans of one GPU
#   --elements   elements in harnesses, pipelines, cameras
#   --sanitize   unit and element tests with AddressSanitizer and UBSan
#   --fuzz       ten seconds of libFuzzer for each kind of input
#
#   --nightly    every night: the five stages, cuDNN plans of all GPUs, an hour
#                of each fuzzer, 10,000 random steps (torture) also with each
#                sanitizer, ThreadSanitizer on unit and element tests, eight
#                faulty cameras for ten minutes, 100,000 frames
#
# Before a release, run --nightly, and each script of CONTRIBUTING.md that
# builds in another system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

logs=()

# run_suites BUILD NAME SUITE... [OPTION...]: runs the suites with these options of
# meson test, and adds the log to those that are counted.
run_suites() {
  local build=$1 name=$2 options=()
  shift 2
  while [ $# -gt 0 ] && [[ $1 != --* ]]; do
    options+=(--suite "$1")
    shift
  done
  rm -f "$build/meson-logs/$name.json"
  echo "== $name"
  meson test -C "$build" --no-rebuild --print-errorlogs --logbase "$name" \
    "${options[@]}" "$@" | sed '/^$/d; /^Full log/d; /^ninja/d' || true
  logs+=("$build/meson-logs/$name.json")
}

# compile FOLDER OPTION...: compiles with one of gcc's sanitizers. More debug
# information than -g1 doubles the time and does not improve stack traces.
compile() {
  echo "== compiling $1"
  if [ ! -f "$1/build.ninja" ]; then
    meson setup "$@" -Doptimization=1 -Dc_args=-g1 -Dcpp_args=-g1 -Dcuda=disabled \
      -Dintrospection=disabled -Ddocs=disabled -Dbench=false > /dev/null
  fi
  ninja -C "$1" --quiet
}

# lsan.supp lists leaks of other libraries; matching them needs complete stacks.
# detect_stack_use_after_return stays off: gcc 12 does not align its stacks for
# AVX-512. Python cannot load libraries built with a sanitizer.
run_asan() {
  compile build-asan -Db_sanitize=address,undefined -Dwerror=true
  ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions="$PWD/tests/tools/lsan.supp":print_suppressions=0 \
    GST_REGISTRY_FORK=no G_SLICE=always-malloc \
    run_suites build-asan "$@" --no-suite python \
      --no-suite plain --timeout-multiplier 6
}

# Reports races in our code only.
run_tsan() {
  compile build-tsan -Db_sanitize=thread
  TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions="$PWD/tests/tsan/tsan.supp" \
    GST_REGISTRY_FORK=no G_SLICE=always-malloc \
    run_suites build-tsan "$@" --no-suite python --timeout-multiplier 12
}

# run_fuzzers SECONDS: runs each libFuzzer program (clang) for this time, starting
# from the corpus in the tree.
run_fuzzers() {
  if ! command -v clang++ > /dev/null; then
    echo 'run.sh: --fuzz is skipped: install clang' >&2
    return
  fi
  echo '== compiling build-fuzz'
  if [ ! -f build-fuzz/build.ninja ]; then
    # Meson does not look for ccache itself if CC is set.
    local ccache=
    command -v ccache > /dev/null && ccache='ccache '
    CC=${ccache}clang CXX=${ccache}clang++ meson setup build-fuzz \
      -Dfuzz=true -Db_lundef=false -Doptimization=2 -Dc_args=-g1 -Dcpp_args=-g1 \
      -Dcpu=disabled -Dcuda=disabled \
      -Dintrospection=disabled -Ddocs=disabled -Dbench=false > /dev/null
  fi
  ninja -C build-fuzz --quiet fuzzers
  FUZZ_SECONDS=$1 run_suites build-fuzz fuzz fuzz
}

stages=()
for option; do
  case $option in
    --style | --unit | --elements | --sanitize | --fuzz | --nightly)
      stages+=("${option#--}")
      ;;
    -h | --help)
      sed -n 's/^# \{0,1\}//; 3,21p' "$0"
      exit
      ;;
    *)
      echo "run.sh: unknown option $option; try --help" >&2
      exit 2
      ;;
  esac
done
if [ ${#stages[@]} -eq 0 ]; then
  stages=(style unit elements sanitize fuzz)
elif [[ " ${stages[*]} " == *' nightly '* ]]; then
  stages=(style unit elements sanitize nightly)
fi

./setup.sh --tests
for stage in "${stages[@]}"; do
  case $stage in
    style) run_suites build style style ;;
    unit) run_suites build unit unit gpu fuzz ;;
    elements) run_suites build elements elements pipelines ;;
    sanitize) run_asan sanitize unit elements ;;
    fuzz) run_fuzzers 10 ;;
    nightly)
      run_suites build nightly nightly
      run_asan torture-asan torture clip
      run_tsan tsan unit elements
      run_tsan torture-tsan torture
      run_fuzzers 3600
      ;;
  esac
done
tests/tools/count.py "${logs[@]}"
