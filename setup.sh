#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs missing packages on Debian and Ubuntu, configures build/ and compiles.
# On other distributions it lists missing tools. Running it again is quick.
#
#   ./setup.sh            build the elements and install what the pipelines need
#   ./setup.sh --demo     install only what the demo of the included clip needs
#   ./setup.sh --tests    also build tests and benchmarks, install what they need
#   ./setup.sh --cuda     build the CUDA engine even if there is no NVIDIA GPU
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

to_build=(
  g++ meson ninja-build pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  libexpected-dev libhwy-dev nlohmann-json3-dev libpango1.0-dev)
to_demo=(
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-ugly gstreamer1.0-libav
  gstreamer1.0-tools gstreamer1.0-x
  python3-gi python3-gst-1.0 fonts-dejavu-core)
# For other languages, GPU memory and GstAnalytics.
to_build_all=(
  gobject-introspection libgirepository1.0-dev
  libgstreamer-plugins-bad1.0-dev)
to_run=(
  gstreamer1.0-plugins-bad gstreamer1.0-nice
  gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0
  gir1.2-gst-rtsp-server-1.0 gir1.2-soup-3.0
  python3-prometheus-client python3-distributed python3-cryptography
  mosquitto-clients)
to_test=(
  clang clang-format libclang-rt-dev llvm shellcheck ffmpeg
  python3-numpy python3-pil python3-torch python3-jsonschema python3-venv
  gcovr gi-docgen iproute2 mosquitto chromium chromium-driver python3-selenium)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { echo "setup: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# begin STEP: sets the step that progress() and finish() report.
begin() {
  step=$*
  began=$SECONDS
  shown=$SECONDS
  if [ -t 2 ]; then
    printf '\r\033[Ksetup: %s' "$step" >&2
  else
    say "$step"
  fi
}

# progress DONE TOTAL: updates the line on a terminal; elsewhere prints a line
# every ten seconds.
progress() {
  local elapsed=$((SECONDS - began)) text
  text="$step: $((100 * $1 / $2)) %"
  if [ $elapsed -ge 3 ] && [ $((20 * $1)) -ge "$2" ]; then
    text+=", $((elapsed * ($2 - $1) / $1)) s left"
  fi
  if [ -t 2 ]; then
    printf '\r\033[Ksetup: %s' "$text" >&2
  elif [ $((SECONDS - shown)) -ge 10 ]; then
    shown=$SECONDS
    say "$text"
  fi
}

finish() {
  if [ -t 2 ]; then
    printf '\r\033[K' >&2
  fi
  say "$step: done in $((SECONDS - began)) s"
}

# fail MESSAGE: shows the log, then the message, and exits.
fail() {
  if [ -t 2 ]; then
    echo >&2
  fi
  cat "$log" >&2
  die "$1; see the log above"
}

# not_installed PACKAGE...: prints the packages that are not installed.
not_installed() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
      sed -n 's/^installed //p' | sort -u)
}

# apt-get reports its progress on file descriptor 3, which sudo would close.
apt_install() {
  begin '1/3 downloading packages'
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    sh -c 'exec apt-get install -qq -y --no-install-recommends \
      -o Dpkg::Use-Pty=0 -o APT::Status-Fd=3 "$@" 3>&1 > /dev/null' sh "$@" \
    2> "$log" |
    while IFS=: read -r kind _ percent _; do
      if [[ $kind == pmstatus && $step == *downloading* ]]; then
        begin '1/3 installing packages'
      fi
      progress "${percent%%[.,]*}" 100
    done
}

install_packages() {
  local packages=("$@") missing root=()
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
  installed=yes
  local start=$SECONDS
  begin '1/3 reading the lists of packages'
  if "${root[@]}" apt-get update -qq 2> "$log" && apt_install "${missing[@]}"
  then
    step='1/3 packages'
    began=$start
    finish
  else
    cat "$log" >&2
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

# option NAME: prints the value of a Meson option in build/.
option() {
  python3 -c '
import json, sys
for option in json.load(open("build/meson-info/intro-buildoptions.json")):
    if option["name"] == sys.argv[1]:
        print(str(option["value"]).lower())' "$1"
}

# Sets $options for a CUDA engine for the GPUs of this machine, if it has any.
choose_cuda() {
  local archs arch
  archs=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null |
    tr -d . | sort -u) || archs=
  # A Jetson may lack nvidia-smi.
  if [ -z "$archs" ] && [ $cuda = no ] && [ ! -e /dev/nvhost-gpu ]; then
    if [ $tests = yes ]; then
      # The tests need no GPU, but code for one without clusters and for one
      # with clusters.
      options+=('-Dcuda-archs=80,90')
    else
      options+=(-Dcuda=disabled)
    fi
    return
  fi
  for arch in $archs; do
    # If an older toolkit does not know the GPU, build for all that it knows.
    nvcc --list-gpu-code 2> /dev/null | grep -qx "sm_$arch" || archs=
  done
  options+=(-Dcuda-archs="$(paste -sd, <<< "$archs")")
}

# Configures build/, or reconfigures it if an option or package was missing.
configure() {
  local options=() reconfigure=()
  if [ -f build/build.ninja ]; then
    reconfigure=(--reconfigure)
    if [ $tests = yes ] && [ "$(option tests)" = false ]; then
      options+=(-Dtests=true -Dbench=true -Dcuda=auto)
      choose_cuda
    fi
  else
    if [ $tests = no ]; then
      options+=(-Dtests=false -Dbench=false)
    fi
    choose_cuda
  fi
  if [ $cuda = yes ] &&
    [[ ! -f build/build.ninja || $(option cuda) != enabled ]]
  then
    options+=(-Dcuda=enabled)
  fi
  if [[ -f build/build.ninja && ${#options[@]} -eq 0 && $installed = no ]]; then
    return
  fi
  begin '2/3 configuring'
  # -g1: lines in backtraces, but no variables, which take a third of the time.
  CFLAGS="-g1 ${CFLAGS-}" CXXFLAGS="-g1 ${CXXFLAGS-}" \
    meson setup "${reconfigure[@]}" "${options[@]}" build > "$log" 2>&1 ||
    fail 'meson failed to configure build/'
  finish
  if [[ $tests = no && " ${options[*]} " == *' -Dcuda-archs='* ]] &&
    grep -q 'CUDA engine *: NO' "$log"
  then
    say 'there is a GPU, but no CUDA Toolkit 12 with cuDNN 9: building the CPU' \
      'engine only; see docs/guide/install.md'
  fi
}

compile() {
  if ninja -C build -n 2>&1 | grep -q 'no work to do'; then
    return
  fi
  begin '3/3 compiling'
  NINJA_STATUS='[%f/%t] ' ninja -C build 2>&1 |
    while IFS= read -r line; do
      if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
        progress "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      else
        echo "$line"
      fi
    done > "$log" || fail 'compiling build/ failed'
  finish
}

tests=no
cuda=no
demo=no
installed=no
for option; do
  case $option in
    --tests) tests=yes ;;
    --cuda) cuda=yes ;;
    --demo) demo=yes ;;
    -h | --help)
      sed -n 's/^# \{0,1\}//; 3,9p' "$0"
      exit
      ;;
    *) die "unknown option $option; try --help" ;;
  esac
done

if command -v dpkg-query apt-get > /dev/null; then
  packages=("${to_build[@]}" "${to_demo[@]}")
  if [ $demo = no ]; then
    packages+=("${to_build_all[@]}" "${to_run[@]}")
  fi
  if [ $tests = yes ]; then
    packages+=("${to_test[@]}")
  fi
  install_packages "${packages[@]}"
else
  check_tools
fi
configure
compile
