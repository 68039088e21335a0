#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds and tests the project in another system, in a root made by debootstrap.
# Needs root, about 5 GB and, the first time, some minutes for packages.
#
#   tests/tools/system.sh SYSTEM [OPTION...]
#
#   debian12      GStreamer 1.22, Meson 1.0, gcc 12
#   debian13      GStreamer 1.26 with GstAnalytics, Meson 1.7, gcc 14
#   forky         the next Debian: GStreamer 1.28, Meson 1.12, gcc 16
#   ubuntu24.04   GStreamer 1.24, Meson 1.3, gcc 13; needs ubuntu-keyring
#
# OPTION: of tests/run.sh; default: --unit --elements. Debian comes from the mirror
# of this machine's apt, Ubuntu from $UBUNTU_MIRROR or its own. The root and its
# build folder are kept in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn, so that only
# the first run installs packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools/debianroot.sh

root=$(root_named "${1-}")
case ${1-} in
  debian12) make_root "$root" bookworm ;;
  debian13) make_root "$root" trixie ;;
  forky) make_root "$root" forky ;;
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
