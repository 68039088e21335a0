#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the Debian packages as Debian does, checks them with lintian, installs
# them into a clean Debian and runs a pipeline there.
#
#   packaging/test-debian.sh [--suite NAME] [--cuda FOLDER] [STEP...]
#
#   --suite NAME    bookworm (default), trixie, ...
#   --cuda FOLDER   also makes the package of the CUDA engine, with the CUDA
#                   Toolkit and cuDNN 9 in this folder
#   prepare         makes a Debian root to build in, and a clean one
#   build           dpkg-buildpackage without tests; results in out-debian/
#   check           the same with tests
#   lint            lintian; fails on errors
#   install         installs the packages into the clean Debian and runs them
#   container       runs the steps of packaging/Containerfile (CPU) in the clean
#                   Debian, then the web page as in the image
#
# Default: all steps but check. Needs root, debootstrap and about 3 GB; the roots
# are kept in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/tools/debianroot.sh
. tests/tools/steps.sh

suite=bookworm
cuda=
while [[ ${1-} == -* ]]; do
  case $1 in
    --suite) suite=$2 ;;
    --cuda) cuda=$(realpath "$2") ;;
    -h | --help)
      usage
      exit
      ;;
    *) die "unknown option $1; try --help" ;;
  esac
  shift 2
done

builder=$(root_named "$suite-packages")
clean=$(root_named "$suite-clean")
out=$PWD/out-debian
version=$(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" meson.build | head -n 1)
tree=$builder/src/gst-fastscnn-$version

say() { echo "== $*"; }

unpack() {
  rm -rf "$tree/debian" "$tree"/obj-*
  copy_source "$tree"
  tar -C "$builder/src" -cJf \
    "$builder/src/gst-fastscnn_$version.orig.tar.xz" \
    --anchored --exclude="gst-fastscnn-$version/build*" "gst-fastscnn-$version"
  cp -r packaging/debian "$tree/debian"
}

step_prepare() {
  say "a $suite to build in"
  make_root "$clean" "$suite"
  if [ ! -d "$builder" ]; then
    cp -a "$clean" "$builder.part"
    mv "$builder.part" "$builder"
  fi
  cp /etc/resolv.conf "$builder/etc/resolv.conf"
  unpack
  install_in "$builder" build-essential ccache fakeroot lintian
  run_in "$builder" apt-get build-dep -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "/src/gst-fastscnn-$version"
}

# build [OPTION]: builds with this DEB_BUILD_OPTIONS.
build() {
  say "building ${1-}"
  unpack
  rm -f "$builder"/src/*.deb "$builder"/src/*.changes
  # shellcheck disable=SC2016 # the inner shell expands it
  BIND=$cuda run_in "$builder" env \
    DEB_BUILD_OPTIONS="${1-} parallel=$(nproc)" CCACHE_DIR=/src/ccache \
    ${cuda:+"CUDA_PATH=$cuda" DEB_BUILD_PROFILES=pkg.gst-fastscnn.cuda} \
    sh -c 'cd "$0" && dpkg-buildpackage -us -uc' "/src/gst-fastscnn-$version"
  rm -rf "$out"
  mkdir "$out"
  find "$builder/src" -maxdepth 1 -type f -exec cp {} "$out" \;
}

step_build() { build nocheck; }
step_check() { build; }

step_lint() {
  say 'lintian'
  run_in "$builder" sh -c 'lintian --fail-on error --allow-root --info /src/*.changes'
}

# Installs the plugin alone: a pipeline must run without further setup. Then
# installs the other packages and tries each.
step_install() {
  say "installing into a clean $suite"
  local root
  root=$(root_named "$suite-test")
  rm -rf --one-file-system "$root"
  cp -a "$clean" "$root"
  mkdir "$root/packages"
  cp "$out"/*.deb "$root/packages"
  rm -f "$root"/packages/*-dbgsym_*.deb
  install_in "$root" gstreamer1.0-tools
  # shellcheck disable=SC2016 # the inner shell expands it
  run_in "$root" sh -c 'apt-get install -qq -y -o Dpkg::Use-Pty=0 \
    /packages/gstreamer1.0-fastscnn_*.deb /packages/libgstclassmask-1.0-0_*.deb'
  run_in "$root" gst-launch-1.0 videotestsrc num-buffers=25 ! fastscnn ! \
    classmaskoverlay ! fakesink

  say 'installing the others'
  run_in "$root" sh -c 'apt-get install -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 /packages/*.deb'
  run_in "$root" pkg-config --modversion gstreamer-classmask-1.0
  run_in "$root" python3 -c '
import gi
gi.require_version("GstClassMask", "1.0")
from gi.repository import GstClassMask
for frame in GstClassMask.frames("testbin://video", interval=9):
    print(frame.mask.shares())
    break
'
  # No camera answers: the program must keep trying until its time is over.
  run_in "$root" /usr/libexec/fastscnn/rtsp.py events rtsp://127.0.0.1:1/none \
    --seconds 3
  run_in "$root" /usr/libexec/fastscnn/web/web.py --seconds 3
  install_in "$root" python3-distributed python3-cryptography
  run_in "$root" /usr/libexec/fastscnn/archive/archive.py \
    /usr/libexec/fastscnn/street.mp4 --out /tmp/archive --workers 1
  if compgen -G "$out/gstreamer1.0-fastscnn-cuda_*" > /dev/null; then
    # The module is found, and reports that there is no GPU.
    run_in "$root" gst-launch-1.0 videotestsrc num-buffers=1 ! \
      fastscnn backend=cuda ! fakesink 2>&1 |
      grep 'The cuda engine cannot be used: There is no NVIDIA'
  fi
  say 'all packages work'
}

step_container() {
  say "the steps of the Containerfile in a clean $suite"
  local root steps
  root=$(root_named "$suite-container")
  rm -rf --one-file-system "$root"
  cp -a "$clean" "$root"
  mkdir "$root/packages"
  cp "$out"/*.deb "$root/packages"
  # The RUN commands of the last target.
  steps=$(sed -n '/ AS cpu$/,$p' packaging/Containerfile |
    sed -n '/^RUN /,/[^\\]$/{s/^RUN //;p}')
  [ -n "$steps" ] || die 'the Containerfile has no target cpu'
  run_in "$root" sh -euc "$steps"
  # Run as the image's user, who owns no files.
  run_in "$root" setpriv --reuid=65534 --regid=65534 --clear-groups \
    env HOME=/tmp /usr/libexec/fastscnn/web/web.py --metrics 9100 --seconds 3
  say 'the image would work'
}

run_steps "prepare build lint install container" "$@"
