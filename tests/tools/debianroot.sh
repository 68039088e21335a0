# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced from the root of the source by scripts that build in another Debian or
# Ubuntu. The roots lie in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn.

# root_named NAME: prints the path of a root, which may not exist yet.
root_named() {
  echo "${XDG_CACHE_HOME:-$HOME/.cache}/gst-fastscnn/$1"
}

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# find_mirror: prints the Debian mirror that apt on this machine uses.
find_mirror() {
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' \
    'Created-By: Packages' 'Component: main' |
    sed -n 's/ Debian Debian$//p' | head -n 1
}

# make_root ROOT SUITE [MIRROR COMPONENTS]: makes a minimal system, unless it exists.
make_root() {
  local root=$1 suite=$2 mirror=${3-} components=${4:-main}
  local script=/usr/share/debootstrap/scripts/$suite
  [ "$(id -u)" -eq 0 ] || die 'run as root: debootstrap and chroot need it'
  command -v debootstrap > /dev/null ||
    die 'install debootstrap first: apt-get install debootstrap'
  if [ ! -f "$root/.complete" ]; then
    mirror=${mirror:-$(find_mirror)}
    [ -n "$mirror" ] || die 'apt on this machine knows no Debian mirror'
    # For a suite that is newer than debootstrap, take the script of earlier ones.
    [ -e "$script" ] || script=${script%/*}/$([ $# -gt 2 ] && echo gutsy || echo sid)
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=ca-certificates \
      --components="$components" "$suite" "$root" "$mirror" "$script"
    touch "$root/.complete"
  fi
  cp /etc/resolv.conf "$root/etc/resolv.conf"
}

# run_in ROOT COMMAND...: runs a command as root in ROOT, with /proc, /dev and
# $BIND mounted while it runs. Of this environment, it gets only the variables of
# the proxies.
run_in() {
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount bash -euc '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    if [ -n "${BIND-}" ]; then
      mkdir -p "$0/$BIND"
      mount --rbind "$BIND" "$0/$BIND"
    fi
    exec chroot "$0" env -i HOME=/root LANG=C.UTF-8 \
      PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
      ${http_proxy:+"http_proxy=$http_proxy"} \
      ${https_proxy:+"https_proxy=$https_proxy"} "$@"' "$@"
}

# install_in ROOT PACKAGE...: installs packages without their recommendations.
install_in() {
  local root=$1
  shift
  run_in "$root" apt-get update -qq
  run_in "$root" apt-get install -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@"
}

# list_source: prints the files that git knows or would add, or all of a tarball.
list_source() {
  if [ -e .git ]; then
    git ls-files -co --exclude-standard
  else
    find . -path './build*' -prune -o -type f -printf '%P\n'
  fi | while IFS= read -r file; do
    if [ -e "$file" ]; then
      echo "$file"
    fi
  done
}

# copy_source FOLDER: updates a copy of the source. Equal files keep their times
# and build folders stay, so that only changes are compiled.
copy_source() {
  local folder=$1 file
  mkdir -p "$folder"
  list_source | sort > "$folder.list"
  (cd "$folder" && find . -path './build*' -prune -o -type f -printf '%P\n') |
    sort | comm -13 "$folder.list" - | while IFS= read -r file; do
      rm -f "$folder/$file"
    done
  while IFS= read -r file; do
    if ! cmp -s "$file" "$folder/$file"; then
      mkdir -p "$folder/$(dirname "$file")"
      cp --preserve=mode "$file" "$folder/$file"
    fi
  done < "$folder.list"
}
