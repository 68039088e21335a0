#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trains a teacher and its student: first without one drive, to measure the recipe on
# streets it has never seen, then on everything but the `val` folders.
#
#   models/recipe.sh DATA MODEL OUT [LESSON...]
#
# DATA holds camvid/{train,val} and idd-lite/{train,val}. The student of `whole` learns
# on from MODEL. LESSON is left-out or whole (default: both). What is done is not done
# again, and what was interrupted goes on. PYTHON is an interpreter with PyTorch and the
# package of the encoder's weights. On a GPU the defaults take minutes; on a CPU set
# TEACHER and STUDENT, e.g. to "--minutes 60 --bf16".
set -euo pipefail
data=$1 model=$2 out=$3
lessons=("${@:4}")
[[ ${#lessons[@]} -gt 0 ]] || lessons=(left-out whole)
models=$(dirname "${BASH_SOURCE[0]}")
python=${PYTHON:-python3}
read -ra teacher <<<"${TEACHER:---epochs 60 --batch 16}"
read -ra student <<<"${STUDENT:---epochs 300 --batch 24}"
# The drives of CamVid that the lesson left-out leaves out
read -ra without <<<"${WITHOUT:-0006R0}"

camvid=$data/camvid idd=$data/idd-lite drawn=$out/drawn
task=$models/camvid.toml groups=$models/idd-lite.toml
common=(--task "$task" --lovasz 0.5 --resume)

# done_once FILE COMMAND...
done_once() {
  local file=$1
  shift
  [[ -e $file ]] && return
  "$@"
  touch "$file"
}

draw() {
  for seed in {41..46}; do
    "$python" "$models/render_street.py" --frames 500 --seed "$seed" --out "$drawn"
  done
}

label() { # TEACHER SOFT
  "$python" "$models/teach.py" label "$1" "$camvid/train" --task "$task" \
    --out "$2" --widths 480 640
  "$python" "$models/teach.py" label "$1" "$idd/train:$groups" --task "$task" \
    --out "$2" --widths 480
}

# lesson NAME OPTIONS...: trains and measures a teacher, and labels all frames with it
lesson() {
  local at=$out/$1 folder
  shift
  mkdir -p "$at"
  done_once "$at/teacher.done" "$python" "$models/teach.py" train "$camvid/train" \
    "${common[@]}" --data "$idd/train:$groups:0.375" --encoder lite2 \
    --crop 384 512 --scale 1.0 2.4 --out "$at/teacher" "${teacher[@]}" "$@"
  for folder in "$camvid/val" "$idd/val:$groups"; do
    echo -n "the teacher on $folder: "
    "$python" "$models/teach.py" measure "$at/teacher/best.pt" "$folder" \
      --task "$task" --widths 480 640
  done
  done_once "$at/soft.done" label "$at/teacher/best.pt" "$at/soft"
}

# learn NAME IDD DRAWN OPTIONS...: trains a student, with these shares of IDD-Lite and of
# rendered frames. It keeps the last state: with --val, train.py would keep the best,
# chosen by the frames that measure it.
learn() {
  local at=$out/$1 real=$2 rendered=$3
  shift 3
  done_once "$at/student.done" "$python" "$models/train.py" "$camvid/train" \
    "${common[@]}" --data "$idd/train:$groups:$real" --data "$drawn:$task:$rendered" \
    --soft "$at/soft" --crop 384 512 --scale 1.2 2.8 --out "$at/student" \
    "${student[@]}" "$@"
}

measure() { # MODEL PREFIX...
  local at=$1 prefix
  shift
  echo "to measure through the element:"
  echo "  models/evaluate.py $camvid/val/images $camvid/val/labels --model $at"
  echo "  models/evaluate.py $idd/val/images $idd/val/labels --groups $groups --model $at"
  for prefix; do
    echo "  models/evaluate.py $camvid/train/images $camvid/train/labels --only $prefix --model $at"
  done
}

mkdir -p "$out"
done_once "$out/drawn.done" draw
for name in "${lessons[@]}"; do
  case $name in
    left-out)
      lesson left-out --without "${without[@]}"
      learn left-out 0.375 0.125 --lr 0.002 --without "${without[@]}"
      measure "$out/left-out/student/best.safetensors" "${without[@]}"
      ;;
    whole)
      lesson whole
      learn whole 0.25 0.25 --lr 0.001 --init "$model"
      measure "$out/whole/student/best.safetensors"
      ;;
  esac
done
