#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Lists the share of lines in net/, cpu/ and gst/ that the unit and element tests
# run. Fails below 85 %. cuda/ needs a GPU and is not counted.
#
#   tests/tools/coverage.sh [STEP...]   steps: build test report; default: all
#
# build-coverage/coverage.html shows the lines themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools/steps.sh

step_build() {
  if [ ! -f build-coverage/build.ninja ]; then
    meson setup build-coverage -Db_coverage=true -Doptimization=1 \
      -Dcuda=disabled -Dintrospection=disabled -Dbench=false > /dev/null
  fi
  ninja -C build-coverage --quiet
  find build-coverage -name '*.gcda' -delete
}

# Not the tests of installed files: nobody installs this build.
step_test() {
  meson test -C build-coverage --no-rebuild --print-errorlogs \
    --timeout-multiplier 3 --suite unit --suite elements --no-suite package
}

step_report() {
  gcovr --root . --object-directory build-coverage \
    --filter 'net/' --filter 'cpu/' --filter 'gst/' \
    --exclude-throw-branches --exclude-unreachable-branches \
    --txt - --html-details build-coverage/coverage.html \
    --print-summary --fail-under-line 85 build-coverage
}

command -v gcovr > /dev/null || {
  echo 'coverage.sh: install gcovr first' >&2
  exit 1
}
run_steps "build test report" "$@"
