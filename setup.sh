#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs missing packages on Debian and Ubuntu, configures build/ and compiles.
# On other distributions it lists what is missing. Running it again is quick.
#
#   ./setup.sh            install what the build and the pipelines need
#   ./setup.sh --tests    also install what the tests need
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

to_build=(
  g++ meson ninja-build pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  libgstreamer-plugins-bad1.0-dev
  libexpected-dev libhwy-dev nlohmann-json3-dev libpango1.0-dev
  gobject-introspection libgirepository1.0-dev)
to_run=(
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  gstreamer1.0-x gstreamer1.0-nice
  python3-gi python3-gst-1.0 gir1.2-gst-plugins-base-1.0
  gir1.2-gst-plugins-bad-1.0 gir1.2-gst-rtsp-server-1.0 gir1.2-soup-3.0
  python3-prometheus-client python3-distributed python3-cryptography
  fonts-dejavu-core mosquitto-clients)
to_test=(
  clang clang-format libclang-rt-dev llvm shellcheck ffmpeg
  python3-numpy python3-pil python3-torch python3-jsonschema python3-venv
  gcovr gi-docgen iproute2 mosquitto chromium chromium-driver python3-selenium)

say() { echo "setup: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# Prints those of the packages that are not installed.
not_installed() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
      sed -n 's/^installed //p' | sort -u)
}

install_packages() {
  local packages missing root=()
  packages=("${to_build[@]}" "${to_run[@]}")
  if [ "$tests" = yes ]; then
    packages+=("${to_test[@]}")
  fi
  mapfile -t missing < <(not_installed "${packages[@]}")
  if [ ${#missing[@]} -eq 0 ]; then
    return
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null ||
      die "no root and no sudo; install these packages first: ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${missing[*]}"
  if ! "${root[@]}" apt-get update -qq ||
    ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
      --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" > /dev/null
  then
    say 'apt-get failed to install some packages'
  fi
  mapfile -t missing < <(not_installed "${to_build[@]}")
  if [ ${#missing[@]} -gt 0 ]; then
    die "cannot build without these packages: ${missing[*]}"
  fi
  mapfile -t missing < <(not_installed "${packages[@]}")
  if [ ${#missing[@]} -gt 0 ]; then
    say "continuing without optional packages: ${missing[*]}"
  fi
}

# On other distributions: lists the missing tools.
check_tools() {
  local missing=() tool
  for tool in c++ meson ninja pkg-config gst-inspect-1.0 g-ir-scanner; do
    command -v "$tool" > /dev/null || missing+=("$tool")
  done
  for tool in gstreamer-1.0 gstreamer-video-1.0 nlohmann_json libhwy; do
    pkg-config --exists "$tool" 2> /dev/null || missing+=("$tool (pkg-config)")
  done
  echo '#include <tl/expected.hpp>' | c++ -fsyntax-only -x c++ - 2> /dev/null ||
    missing+=('tl/expected.hpp (header)')
  for tool in decodebin videoconvert avdec_h264 x264enc mp4mux rtspsrc; do
    gst-inspect-1.0 --exists "$tool" 2> /dev/null ||
      missing+=("$tool (GStreamer)")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say 'there is no apt-get; install these with your package manager:'
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
}

tests=no
case "${1-}" in
  '') ;;
  --tests) tests=yes ;;
  -h | --help)
    sed -n 's/^# \{0,1\}//; 3,7p' "$0"
    exit
    ;;
  *) die "unknown option $1; try --help" ;;
esac

if command -v dpkg-query apt-get > /dev/null; then
  install_packages
else
  check_tools
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f build/build.ninja ]; then
  say 'configuring'
  meson setup build > "$log" 2>&1 || {
    cat "$log" >&2
    die 'meson failed to configure build/; see the log above'
  }
fi
if ! ninja -C build -n 2>&1 | grep -q 'no work to do'; then
  say 'compiling'
fi
ninja -C build --quiet > "$log" 2>&1 || {
  cat "$log" >&2
  die 'compiling build/ failed; see the log above'
}
