#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Times the demo on a fresh system, from no packages to the finished video: the
# first minutes of a new user. Fails if that takes longer than 3 min 30 s, or the
# packages longer than 100 s. Run it on a quiet machine with two cores.
#
#   tests/tools/firstrun.sh [SUITE]     bookworm (default), trixie, ...
#
# Needs root and debootstrap. The fresh system is kept in
# ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn; the demo runs in a copy of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools/debianroot.sh

suite=${1-bookworm}
case $suite in
  -*)
    sed -n 's/^# \{0,1\}//; 3,10p' "$0"
    exit 2
    ;;
esac
clean=$(root_named "$suite-clean")
root=$(root_named "$suite-firstrun")
make_root "$clean" "$suite"
rm -rf --one-file-system "$root"
cp -a "$clean" "$root"
copy_source "$root/src/gst-fastscnn"
sync

log=$root/src/firstrun.log
TIMEFORMAT='firstrun.sh: %R s; %U s of processor time, %S s in the system'
SECONDS=0
time run_in "$root" sh -c \
  'cd /src && exec gst-fastscnn/pipelines/demo.sh' 2>&1 | tee "$log"
total=$SECONDS
packages=$(sed -n 's/.*packages: done in \([0-9]*\) s.*/\1/p' "$log")
[ -s "$root/src/demo.mp4" ] || die 'there is no demo.mp4'
if [ "$total" -gt 210 ] || [ "$packages" -gt 100 ]; then
  die "took $total s instead of 210, packages $packages s instead of 100"
fi
