# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by scripts that need a Debian or Ubuntu of their own, from the root of
# the source. Their roots lie in ${XDG_CACHE_HOME:-~/.cache}/gst-fastscnn.

# root_named NAME: where it lies, or will lie.
root_named() {
  echo "${XDG_CACHE_HOME:-$HOME/.cache}/gst-fastscnn/$1"
}

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# The archive that this machine installs its own packages from.
find_mirror() {
  # shellcheck disable=SC2016 # the variables are apt's
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' \
    'Created-By: Packages' 'Component: main' |
    sed -n 's/ Debian Debian$//p' | head -n 1
}

# make_root ROOT SUITE [MIRROR COMPONENTS]: a minimal system, unless it is there
# already.
make_root() {
  local root=$1 suite=$2 mirror=${3-} components=${4:-main}
  local script=/usr/share/debootstrap/scripts/$suite
  [ "$(id -u)" -eq 0 ] || die 'run as root: debootstrap and chroot need it'
  command -v debootstrap > /dev/null ||
    die 'install debootstrap first: apt-get install debootstrap'
  if [ ! -f "$root/.complete" ]; then
    mirror=${mirror:-$(find_mirror)}
    [ -n "$mirror" ] || die 'apt on this machine knows no Debian mirror'
    # An Ubuntu that is younger than debootstrap is made as all before it.
    [ -e "$script" ] || script=${script%/*}/gutsy
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=ca-certificates \
      --components="$components" "$suite" "$root" "$mirror" "$script"
    touch "$root/.complete"
  fi
  cp /etc/resolv.conf "$root/etc/resolv.conf"
}

# run_in ROOT COMMAND...: as root in ROOT, with /proc and /dev for as long as
# the command runs, and nothing of this environment but the way to the network.
run_in() {
  # shellcheck disable=SC2016 # the inner shell's
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

# install_in ROOT PACKAGE...: what is missing of them, and nothing that they
# merely recommend.
install_in() {
  local root=$1
  shift
  run_in "$root" apt-get update -qq
  run_in "$root" apt-get install -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "$@"
}

# list_source: what git knows or would add, or a tarball's whole tree.
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

# copy_source FOLDER: makes the source there what it is here. Files that are the
# same keep their times, so that build folders, which stay, are built on.
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
