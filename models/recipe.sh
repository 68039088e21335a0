#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trains a model from teacher to student: twice, first without what tells how good
# the recipe is on streets it has never seen, then on everything but the `val`s.
#
#   models/recipe.sh DATA OUT
#
# DATA holds camvid/{train,val} and idd-lite/{train,val}. What is done is not done
# again, and what was interrupted goes on. PYTHON is an interpreter with PyTorch and
# the package of the encoder's weights. On a GPU the defaults take minutes; on a CPU
# set TEACHER and STUDENT, the length of trainings, e.g. to "--minutes 60".
set -euo pipefail
data=$1 out=$2
models=$(dirname "${BASH_SOURCE[0]}")
python=${PYTHON:-python3}
encoder=${ENCODER:-lite2}
read -ra teacher <<<"${TEACHER:---epochs 60 --batch 16 --crop 384 512}"
read -ra student <<<"${STUDENT:---epochs 300 --batch 24 --lovasz 0.5}"
read -ra widths <<<"${WIDTHS:-480 640 800}"
# The drives of CamVid that are left out first
read -ra without <<<"${WITHOUT:-0006R0}"

camvid=$data/camvid idd=$data/idd-lite
task=$models/camvid.toml groups=$models/idd-lite.toml
common=(--task "$task" --data "$idd/train:$groups:0.5" --resume)

# done_once FILE COMMAND...
done_once() {
  local file=$1
  shift
  [[ -e $file ]] && return
  "$@"
  touch "$file"
}

label() { # TEACHER SOFT
  "$python" "$models/teach.py" label "$1" "$camvid/train" --task "$task" \
    --out "$2" --widths "${widths[@]}"
  "$python" "$models/teach.py" label "$1" "$idd/train:$groups" --task "$task" \
    --out "$2" --widths "${widths[@]}"
}

# lesson NAME OPTIONS...: a teacher, what it sees, a student
lesson() {
  local at=$out/$1
  shift
  mkdir -p "$at"
  done_once "$at/teacher.done" "$python" "$models/teach.py" train "$camvid/train" \
    "${common[@]}" --encoder "$encoder" --out "$at/teacher" "${teacher[@]}" "$@"
  for folder in "$camvid/val" "$idd/val:$groups" "${without[@]/#/$camvid/train::}"; do
    echo -n "teacher of ${at##*/} on $folder: "
    "$python" "$models/teach.py" measure "$at/teacher/best.pt" "$folder" \
      --task "$task" --widths "${widths[@]}"
  done
  done_once "$at/soft.done" label "$at/teacher/best.pt" "$at/soft"
  done_once "$at/student.done" "$python" "$models/train.py" "$camvid/train" \
    "${common[@]}" --soft "$at/soft" --scale 1.2 2.8 --out "$at/student" \
    "${student[@]}" "$@"
}

# Nothing is chosen by a val: the last state is kept, and --val would keep the best.
lesson left-out --without "${without[@]}"
lesson whole
echo "to measure the students through the element:"
for name in left-out whole; do
  model=$out/$name/student/best.safetensors
  echo "  models/evaluate.py $camvid/val/images $camvid/val/labels --model $model"
  echo "  models/evaluate.py $idd/val/images $idd/val/labels --groups $groups --model $model"
done
echo "  models/evaluate.py $camvid/train/images $camvid/train/labels --only ${without[*]}" \
  "--model $out/left-out/student/best.safetensors"
