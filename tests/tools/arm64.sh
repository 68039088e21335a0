#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Cross-compiles for 64-bit ARM and runs the unit tests under qemu, in a Debian 12
# root made by debootstrap. Needs root and about 2 GB.
#
#   tests/tools/arm64.sh [STEP...]
#
#   prepare   makes the root, with cross compilers and ARM libraries
#   build     compiles everything that can be built without running ARM programs
#   test      runs the unit tests; emulation is some 20 times slower
#
# Default: all three. The root is kept in
# ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools/debianroot.sh
. tests/tools/steps.sh

root=$(root_named bookworm-arm64)
source=/src/gst-fastscnn

step_prepare() {
  make_root "$root" bookworm
  run_in "$root" dpkg --add-architecture arm64
  install_in "$root" crossbuild-essential-arm64 meson ninja-build pkg-config \
    qemu-user-static libexpected-dev nlohmann-json3-dev libhwy-dev:arm64 \
    libgstreamer1.0-dev:arm64 libgstreamer-plugins-base1.0-dev:arm64 \
    libpango1.0-dev:arm64 gstreamer1.0-plugins-base:arm64 \
    gstreamer1.0-plugins-good:arm64
}

step_build() {
  copy_source "$root$source"
  if [ ! -f "$root$source/build-arm64/build.ninja" ]; then
    run_in "$root" meson setup "$source/build-arm64" "$source" \
      --cross-file "$source/packaging/arm64.ini" -Dwerror=true \
      -Dintrospection=disabled -Dcuda=disabled -Dbench=false
  fi
  run_in "$root" ninja -C "$source/build-arm64"
}

# GST_REGISTRY_FORK=no: an emulated program cannot start GStreamer's plugin scanner.
step_test() {
  run_in "$root" env GST_REGISTRY_FORK=no \
    meson test -C "$source/build-arm64" --no-rebuild --timeout-multiplier 20 \
    --print-errorlogs --suite unit
}

run_steps "prepare build test" "$@"
