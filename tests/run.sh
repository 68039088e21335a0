#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds, and runs the tests. Without options all but --long. The last line is
# "N passed, N failed, N skipped"; the exit status is 0 if none failed.
#
#   --style      formatting, includes, shell scripts, the README's commands
#   --unit       network, engines, metadata library
#   --elements   the elements in harnesses, the pipelines on real streams
#   --sanitize   unit and element tests under AddressSanitizer and UBSan
#   --fuzz       two minutes of libFuzzer on what comes from outside
#   --long       what takes an hour or two: soak, torture under each sanitizer,
#                ThreadSanitizer on unit and element tests
#   --help       this text
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

logs=()

# run_suites BUILD NAME SUITE... [OPTION...]: runs the suites with the options of
# meson test, keeps the log for the count.
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

# compile_for FOLDER OPTION...: all of ours with one of gcc's sanitizers.
compile_for() {
  echo "== compiling $1"
  if [ ! -f "$1/build.ninja" ]; then
    meson setup "$@" -Doptimization=1 -Dcuda=disabled \
      -Dintrospection=disabled -Dbench=false > /dev/null
  fi
  ninja -C "$1" --quiet
}

# Libraries that are not ours leak, too: see lsan.supp, which needs whole stacks.
# Stacks on the heap (detect_stack_use_after_return) are left out: those of gcc
# 12 are not aligned as AVX-512 wants it. Python does not run what was built for
# a sanitizer.
run_asan() {
  compile_for build-asan -Db_sanitize=address,undefined -Dwerror=true
  ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions="$PWD/tests/lsan.supp":print_suppressions=0 \
    GST_REGISTRY_FORK=no G_SLICE=always-malloc \
    run_suites build-asan "$@" --no-suite python --timeout-multiplier 6
}

# Only what is ours can race here: what other libraries touch is not looked at.
run_tsan() {
  compile_for build-tsan -Db_sanitize=thread
  TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions="$PWD/tests/tsan/tsan.supp" \
    GST_REGISTRY_FORK=no G_SLICE=always-malloc \
    run_suites build-tsan "$@" --no-suite python --timeout-multiplier 12
}

# clang's libFuzzer on every target, from the corpus that is in the tree.
fuzz() {
  if ! command -v clang++ > /dev/null; then
    echo 'run.sh: no clang++, so nothing is fuzzed' >&2
    return
  fi
  echo '== compiling build-fuzz'
  if [ ! -f build-fuzz/build.ninja ]; then
    CC=clang CXX=clang++ meson setup build-fuzz -Dfuzz=true -Db_lundef=false \
      -Doptimization=2 -Dcpu=disabled -Dcuda=disabled \
      -Dintrospection=disabled -Dbench=false > /dev/null
  fi
  ninja -C build-fuzz --quiet fuzzers
  run_suites build-fuzz fuzz fuzz
}

stages=()
for option; do
  case $option in
    --style | --unit | --elements | --sanitize | --fuzz | --long)
      stages+=("${option#--}")
      ;;
    -h | --help)
      sed -n 's/^# \{0,1\}//; 3,13p' "$0"
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
fi

./setup.sh --tests
for stage in "${stages[@]}"; do
  case $stage in
    style) run_suites build style style ;;
    unit) run_suites build unit unit gpu fuzz ;;
    elements) run_suites build elements elements pipelines ;;
    sanitize) run_asan sanitize unit elements ;;
    fuzz) fuzz ;;
    long)
      run_suites build long long
      run_asan torture-asan torture
      run_tsan tsan unit elements
      run_tsan torture-tsan torture
      ;;
  esac
done
tests/tools/count.py "${logs[@]}"
