#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds and tests the project in Debian 13 (GStreamer 1.26, Meson 1.7), in a
# root of its own that debootstrap makes from the mirror of this machine's apt.
# Needs root, about 5 GB and, the first time, some minutes for packages.
#
#   tests/debian13.sh [OPTION...]   options are those of tests/run.sh;
#                                   default: --unit --elements
#
# The root is kept in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn/debian13, with
# its build folder, so that a second run takes as long as the tests do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1-} in
  -h | --help)
    sed -n 's/^# \{0,1\}//; 3,11p' "$0"
    exit
    ;;
  --enter) # with mounts of our own, which end with the process
    root=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 \
      PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      ${http_proxy:+"http_proxy=$http_proxy"} \
      ${https_proxy:+"https_proxy=$https_proxy"} \
      /src/gst-fastscnn/tests/run.sh "$@"
    ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gst-fastscnn
root=$cache/debian13

die() {
  echo "debian13: $*" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || die 'run as root: debootstrap and chroot need it'
command -v debootstrap > /dev/null ||
  die 'install debootstrap first: apt-get install debootstrap'

# The archive that this machine installs its own packages from.
find_mirror() {
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' \
    'Created-By: Packages' 'Component: main' |
    sed -n 's/ Debian Debian$//p' | head -n 1
}

if [ ! -f "$root/.complete" ]; then
  mirror=$(find_mirror)
  [ -n "$mirror" ] || die 'apt on this machine knows no Debian mirror'
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include=ca-certificates trixie "$root" \
    "$mirror"
  touch "$root/.complete"
fi

# What git knows or would add, in place of what the last run left; the build
# folder stays.
source=$root/src/gst-fastscnn
mkdir -p "$source"
find "$source" -mindepth 1 -maxdepth 1 ! -name 'build*' -exec rm -rf {} +
git ls-files -coz --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then
    printf '%s\0' "$file"
  fi
done | tar -c --null -T - | tar -x -C "$source"
cp /etc/resolv.conf "$root/etc/resolv.conf"

if [ $# -eq 0 ]; then
  set -- --unit --elements
fi
exec unshare --mount "$PWD/tests/debian13.sh" --enter "$root" "$@"
