#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains a larger network as a teacher for train.py, and labels frames with it.

train    trains like train.py, but starts from pretrained weights of
         EfficientNet-Lite; the state is in OUT/checkpoint.pt, the best teacher
         in OUT/best.pt
measure  prints a teacher's IoU on a folder as JSON
label    writes a teacher's probabilities for every frame to FOLDER/NAME.npy. If
         the labels are groups, they are limited to the classes of the groups.
         train.py --soft FOLDER learns from them
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import train
from dataset import IGNORE, read_task
from imagefiles import DataError
from metrics import GroupConfusion
from teacher import ENCODERS, MEAN, STD, Teacher, pretrained

ENCODER_RATE = 0.25  # of the learning rate, because the encoder is pretrained
FROZEN_STAGES = 2
SOFT_SCALE = 0.5  # size of the stored probabilities, relative to the frame
# If the classes that a label allows get less than this, the teacher is not believed.
LEAST_PROBABILITY = 0.02


class TeacherTrainer(train.Trainer):
    def make_net(self):
        return Teacher(self.args.encoder, self.task.classes)

    def start_from(self, state):
        if "classify.weight" in state:
            self.learner.net.load_state_dict(state)
        else:
            self.learner.net.encoder.load(state)

    def parameter_groups(self):
        net = self.learner.net
        net.encoder.freeze(FROZEN_STAGES)
        encoder = set(net.encoder.parameters())
        rest = [p for p in self.learner.parameters() if p not in encoder]
        return (train.decaying(net.encoder.parameters(), factor=ENCODER_RATE)
                + train.decaying(rest))

    def save_best(self, net):
        save(self.out / "best.pt", net, self.task.info.labels)


def save(path, net, labels):
    partial = Path(f"{path}.part")
    torch.save({"encoder": net.name, "labels": list(labels),
                "state": net.state_dict()}, partial)
    partial.replace(path)


def load(path, labels):
    """A teacher of these classes."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        net = Teacher(saved["encoder"], len(saved["labels"]))
        net.load_state_dict(saved["state"])
    except OSError:
        raise
    except Exception as error:  # PyTorch raises all kinds for a damaged file
        raise DataError(f"{path}: not a teacher ({error})") from error
    if saved["labels"] != list(labels):
        raise DataError(f"{path}: the teacher's classes are "
                        f"{', '.join(saved['labels'])}, not {', '.join(labels)}")
    return net.eval().to(memory_format=torch.channels_last)


@torch.no_grad()
def probabilities(net, image, size, widths, device="cpu"):
    """Probabilities (C, height, width) for an image (3, H, W) of bytes, averaged
    over widths of the network input and over the image and its mirror image."""
    mean, std = (torch.tensor(v, device=device).reshape(3, 1, 1) for v in (MEAN, STD))
    pixels = ((image.to(device) / 255 - mean) / std)[None]
    total = 0
    for width in widths:
        height = round(width * image.shape[1] / image.shape[2])
        x = F.interpolate(pixels, (height, width), mode="bilinear", align_corners=False)
        for mirrored in (False, True):
            seen = (x.flip(3) if mirrored else x).contiguous(
                memory_format=torch.channels_last)
            found = F.interpolate(net(seen).float(), size, mode="bilinear",
                                  align_corners=False).softmax(1)[0]
            total = total + (found.flip(2) if mirrored else found)
    return total / (2 * len(widths))


def limited(probabilities, label, task, labels):
    """Probabilities (C, H, W) given that every pixel has a class that its label
    allows; 0 if those classes were very unlikely. Unchanged where there is no
    label."""
    allowed = torch.zeros(IGNORE + 1, task.classes)
    for value, group in enumerate(labels.targets):
        for c, weight in group:
            allowed[value, c] = weight
    allowed[IGNORE] = 1
    found = probabilities * allowed[label.long()].permute(2, 0, 1)
    total = found.sum(0)
    return found / total.clamp(min=LEAST_PROBABILITY) * (total >= LEAST_PROBABILITY)


def measure(args, task, net):
    frames = train.frames_to_measure(args.frames, task)
    confusion = GroupConfusion(frames.meaning, task.classes)
    for image, label, _ in frames:
        found = probabilities(net, image, label.shape, args.widths, args.device)
        confusion.add(label.numpy(), found.argmax(0).byte().cpu().numpy())
    iou = [None if np.isnan(value) else round(float(value), 4)
           for value in confusion.iou()]
    print(json.dumps({
        "miou": round(confusion.miou(), 4),
        "possible": round(confusion.possible.miou(), 4),
        "iou": dict(zip(frames.meaning.names, iou)), "frames": len(frames)}))


def label(args, task, net):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    frames = train.frames_to_measure(args.frames, task)
    for name, image, truth in zip(frames.names, frames.images, frames.labels):
        path = out / (name + ".npy")
        if path.exists():  # from an interrupted run
            continue
        found = probabilities(net, image, truth.shape, args.widths, args.device)
        found = found.cpu()
        if frames.meaning.grouped:
            found = limited(found, truth, task, frames.meaning)
        small = F.interpolate(found[None], scale_factor=SOFT_SCALE, mode="area")[0]
        partial = path.with_suffix(".part")
        with open(partial, "wb") as file:
            np.save(file, (small * 255).round().byte().numpy())
        partial.replace(path)


def make_parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train", parents=[train.make_parser(None)],
                                add_help=False, help="with train.py's options")
    learn.add_argument("--encoder", choices=ENCODERS, default="lite0")
    learn.set_defaults(batch=8, crop=(320, 448), scale=(0.8, 2.0), lr=0.002)
    for name in ("measure", "label"):
        command = commands.add_parser(name)
        add = command.add_argument
        add("teacher", help="OUT/best.pt of a training")
        add("frames", type=train.measured_folder, metavar=train.MEASURED)
        add("--task", required=True, help="as in training")
        add("--widths", type=int, nargs="+", default=(480, 720),
            help="of the network input; probabilities are averaged over them")
        add("--bf16", action="store_true", help="as in training")
        add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
        if name == "label":
            add("--out", required=True, metavar="FOLDER")
    return parser


def run_train(args, task):
    info = replace(task.info, mean=MEAN, std=STD)
    if args.init:
        start = load(args.init, task.info.labels).state_dict()
    else:
        start = pretrained(args.encoder)
    train.train(args, TeacherTrainer, replace(task, info=info), (start,))


def main():
    parser = make_parser()
    args = parser.parse_args()
    with train.reported("teach.py"):
        task = read_task(args.task)
        if args.command == "train":
            run_train(train.check(parser, args), task)
        else:
            net = load(args.teacher, task.info.labels).to(args.device)
            with torch.autocast(torch.device(args.device).type, torch.bfloat16,
                                enabled=args.bf16):
                {"measure": measure, "label": label}[args.command](args, task, net)


if __name__ == "__main__":
    main()
