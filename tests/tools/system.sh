#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds and tests the project in another system, in a root of its own that
# debootstrap makes. Needs root, about 5 GB and, the first time, some minutes
# for packages.
#
#   tests/tools/system.sh SYSTEM [OPTION...]
#
#   debian12      GStreamer 1.22, Meson 1.0, gcc 12
#   debian13      GStreamer 1.26 with GstAnalytics, Meson 1.7, gcc 14
#   ubuntu24.04   GStreamer 1.24, Meson 1.3, gcc 13; needs ubuntu-keyring
#
# Options are those of tests/run.sh; default: --unit --elements. Debian comes
# from the mirror of this machine's apt, Ubuntu from $UBUNTU_MIRROR or its own.
# The root is kept in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn, with its build
# folder, so that a second run takes as long as the tests do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools/debianroot.sh

root=$(root_named "${1-}")
case ${1-} in
  debian12) make_root "$root" bookworm ;;
  debian13) make_root "$root" trixie ;;
  ubuntu24.04)
    make_root "$root" noble \
      "${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}" main,universe
    ;;
  *)
    sed -n 's/^# \{0,1\}//; 3,16p' "$0"
    exit 2
    ;;
esac
shift
copy_source "$root/src/gst-fastscnn"
if [ $# -eq 0 ]; then
  set -- --unit --elements
fi
run_in "$root" /src/gst-fastscnn/tests/run.sh "$@"
