#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the release tarball, then builds, tests and installs it outside of git,
# moves the installed files, and runs a pipeline before and after.
#
#   packaging/test-dist.sh [STEP...]
#
#   dist      meson dist; the tarball is in build/meson-dist
#   build     unpacks it into build-dist and compiles
#   test      runs style, unit and element tests
#   install   installs to a prefix, moves it and runs a pipeline
#
# Default: all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$PWD/build-dist
version=$(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" meson.build | head -n 1)
tree=$work/gst-fastscnn-$version
tarball=build/meson-dist/gst-fastscnn-$version.tar.xz

dist() {
  [ -f build/build.ninja ] || meson setup build
  meson dist -C build --no-tests --formats xztar
}

build() {
  rm -rf "$work"
  mkdir "$work"
  tar -C "$work" -xf "$tarball"
  meson setup "$tree/build" "$tree" --prefix="$work/prefix" -Dbench=false
  ninja -C "$tree/build" --quiet
}

run_tests() {
  meson test -C "$tree/build" --no-rebuild --print-errorlogs \
    --suite style --suite unit --suite elements
}

# The plugin finds engines and model relative to its own file.
install() {
  rm -rf "$work/prefix" "$work/moved"
  meson install -C "$tree/build" --no-rebuild --quiet
  run_from "$work/prefix"
  mv "$work/prefix" "$work/moved"
  run_from "$work/moved"
}

run_from() {
  local plugin
  plugin=$(find "$1" -name libgstfastscnn.so -printf '%h')
  echo "== running from $1"
  env -u FASTSCNN_MODULE_PATH -u FASTSCNN_MODEL_PATH -u LD_LIBRARY_PATH \
    GST_PLUGIN_PATH="$plugin" GST_REGISTRY="$work/registry.bin" \
    gst-launch-1.0 --quiet videotestsrc num-buffers=25 ! fastscnn ! \
    classmaskoverlay ! fakesink
}

if [ $# -eq 0 ]; then
  set -- dist build test install
fi
for step; do
  case $step in
    dist | build | install) "$step" ;;
    test) run_tests ;;
    *)
      sed -n 's/^# \{0,1\}//; 3,13p' "$0"
      exit 2
      ;;
  esac
done
echo "test-dist.sh: $* passed"
