#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains Fast-SCNN on a folder of images and label PNGs.

DIR/images/NAME.jpg (or .png) goes with DIR/labels/NAME.png, 8-bit class ids.
The state is kept in OUT/checkpoint.pt, the best model so far (by mean IoU on
the validation folder) in OUT/best.safetensors. At the end, that is calibrated.
"""

import argparse
import contextlib
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import modelfile
import scales
from dataset import Augmentation, Frames, read_task, target_weights
from imagefiles import DataError, spread
from labels import read_labels
from learner import Average, Learner, start_from, without_dead_channels
from metrics import GroupConfusion
from network import FastSCNN, class_map

WARM_UP = 0.01  # share of the training in which the learning rate rises
POLY_POWER = 0.9
MEASURED = "FOLDER[:TASK[:PREFIX]]"
BF16_SINCE = (8, 0)  # compute capability; older GPUs use fp16 with a scaled loss


class Batches:
    """Batch i depends only on the seed and on i, so a resumed training sees the
    batches that an uninterrupted one would have seen.

    An epoch shows every frame of the first folder. The other folders fill their
    shares of each batch."""

    def __init__(self, folders, shares, augmentation, targets, seed, batch):
        self.folders, self.augmentation = folders, augmentation
        self.places = [frames.rare_places(targets) for frames in folders]
        self.seed = seed
        # Frames of all folders are stretched to the size of the first folder's, as
        # the element stretches frames of any aspect ratio to the network's input.
        height, width = folders[0].labels[0].shape
        self.enlarged = [(width / w, height / h) for h, w in
                         (frames.labels[0].shape for frames in folders)]
        self.counts = [round(share * batch) for share in shares]
        self.train_count = batch - sum(self.counts)
        if self.train_count < 1:
            raise DataError(f"--data: of a batch of {batch}, shares of {shares} "
                            "leave nothing to the first folder")
        self.per_epoch = max(1, len(folders[0]) // self.train_count)

    def __getitem__(self, iteration):
        """(images, labels, teacher's probabilities), augmented."""
        rng = np.random.default_rng((self.seed, iteration))
        picks = [(0, i) for i in self._pick(iteration)]
        picks += [(k, int(rng.integers(len(self.folders[k]))))
                  for k, count in enumerate(self.counts, 1) for _ in range(count)]
        views = [self.augmentation.choose(self.folders[k].labels[i].shape,
                                          self.places[k][i], rng, self.enlarged[k])
                 for k, i in picks]
        return self.augmentation.apply([self.folders[k][i] for k, i in picks], views)

    def _pick(self, iteration):
        epoch, step = divmod(iteration, self.per_epoch)
        order = np.random.default_rng((self.seed, epoch, 1)).permutation(len(self.folders[0]))
        first = step * self.train_count
        return [order[k % len(order)] for k in range(first, first + self.train_count)]


@torch.no_grad()
def evaluate(net, frames, task, device, channels_last=False):
    """Confusion on a folder. Like the element, it resizes frames to the network
    input and logits to the frame, both bilinearly."""
    confusion = GroupConfusion(frames.meaning, task.classes)
    mean, std = (torch.tensor(v, device=device).reshape(3, 1, 1)
                 for v in (task.info.mean, task.info.std))
    size = (task.info.height, task.info.width)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for image, label in zip(frames.images, frames.labels):
        pixels = (image.to(device) / 255 - mean) / std
        pixels = F.interpolate(pixels[None], size, mode="bilinear",
                               align_corners=False).contiguous(memory_format=layout)
        found = class_map(net(pixels), label.shape, net.align_corners)
        confusion.add(label.numpy(), found[0].byte().cpu().numpy())
    return confusion


class Trainer:
    def __init__(self, args, task, folders, vals, init=None):
        """`folders` and `vals` are lists of Frames; the first folder defines an
        epoch."""
        torch.manual_seed(args.seed)
        self.args, self.task, self.vals = args, task, vals
        self.device = torch.device(args.device)
        self.cuda = self.device.type == "cuda"
        half = (torch.float16 if self.cuda
                and torch.cuda.get_device_capability(self.device) < BF16_SINCE
                else torch.bfloat16)
        self.autocast = {"dtype": half, "enabled": self.cuda or args.bf16}
        torch.backends.cudnn.benchmark = self.cuda
        augmentation = Augmentation(tuple(args.crop), tuple(args.scale), task.info,
                                    self.device, args.focus)
        self.batches = Batches(folders, [share for *_, share in args.data],
                               augmentation, task.targets, args.seed, args.batch)
        # On CPUs, NHWC trains 1.6 times as fast as NCHW.
        self.learner = Learner(
            self.make_net(), task, target_weights(folders, task.targets), args.lovasz,
            args.soft_weight if args.soft else 0).to(
                self.device, memory_format=torch.channels_last)
        if init:
            self.start_from(*init)
        self.average = Average(self.learner.net, args.ema)
        self.optimizer = torch.optim.AdamW(self.parameter_groups(), lr=args.lr)
        # PyTorch 2.3 moved it.
        scaler = getattr(torch.amp, "GradScaler", torch.cuda.amp.GradScaler)
        self.scaler = scaler(enabled=half == torch.float16)
        self.iteration, self.elapsed, self.best = 0, 0.0, -1.0
        self.out = Path(args.out)
        self.best_model = self.out / "best.safetensors"
        self.out.mkdir(parents=True, exist_ok=True)

    def make_net(self):
        return FastSCNN(self.task.variant, self.task.classes, dropout=0.1)

    def parameter_groups(self):
        return decaying(self.learner.parameters())

    def save_best(self, net):
        modelfile.save(self.best_model, without_dead_channels(net), self.task.info)

    def calibrate(self, images):
        """Adds activation scales to the best model. Without images, training
        frames serve."""
        images = images or spread(self.batches.folders[0].images, scales.IMAGES)
        scales.write(self.best_model, *modelfile.read_safetensors(self.best_model),
                     images)

    def start_from(self, model, info):
        labels = self.task.info.labels
        rows = [info.labels.index(label) if label in info.labels else None
                for label in labels]
        images, *_ = self.batches[0]
        start_from(self.learner.net, model.to(self.device), rows, images)
        new = [label for label, row in zip(labels, rows) if row is None]
        print(f"started from {info.name}; new classes: {', '.join(new) or 'none'}",
              flush=True)

    @property
    def epoch(self):
        return self.iteration // self.batches.per_epoch

    @property
    def progress(self):
        """From 0 to 1, measured in minutes if --minutes is given, else in epochs."""
        if self.args.minutes:
            return min(1.0, self.elapsed / (60 * self.args.minutes))
        return min(1.0, self.iteration / (self.args.epochs * self.batches.per_epoch))

    def run(self):
        losses, started = [], time.monotonic() - self.elapsed
        while self.progress < 1:
            losses.append(self.step())
            self.elapsed = time.monotonic() - started
            if self.iteration % self.batches.per_epoch == 0:
                self._end_epoch(losses)
                losses = []
        self._validate()
        self._save()

    def step(self):
        self._set_rate()
        loss = self.loss()
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update(self.learner.net, self.iteration)
        self.iteration += 1
        self._show_progress()
        return loss.detach()

    def loss(self):
        """The loss of the next batch, with the current weights."""
        torch.manual_seed(hash((self.args.seed, self.iteration)) % 2 ** 31)
        self.learner.train()
        images, *truth = self.batches[self.iteration]
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, **self.autocast):
            return self.learner(images, *truth)

    def _set_rate(self):
        rate = (1 - self.progress) ** POLY_POWER * min(1, self.progress / WARM_UP + 0.02)
        for group in self.optimizer.param_groups:
            group["lr"] = self.args.lr * rate * group.get("factor", 1)

    def _show_progress(self):
        if sys.stderr.isatty():
            print(f"\repoch {self.epoch}, iteration {self.iteration}, "
                  f"{self._remaining()} left ", end="", file=sys.stderr, flush=True)

    def _remaining(self):
        seconds = self.elapsed / max(self.progress, 1e-9) * (1 - self.progress)
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02}"

    def _end_epoch(self, losses):
        loss = torch.stack(losses).mean().item()
        if not np.isfinite(loss):
            raise DataError(f"epoch {self.epoch}: the loss is {loss}; "
                            "a smaller --lr may help")
        print(f"epoch {self.epoch} loss {loss:.4f} elapsed {self.elapsed:.0f} s "
              f"left {self._remaining()}", flush=True)
        if self.epoch % self.args.val_every == 0 and self.progress < 1:
            self._validate()
        self._save()

    def _validate(self):
        """Keeps the best state so far, by the mean over the folders."""
        found = [self._validate_on(frames) for frames in self.vals]
        if found:
            if np.mean(found) <= self.best:
                return
            self.best = float(np.mean(found))
        self.save_best(self.average.net)

    def _validate_on(self, frames):
        started = time.monotonic()
        confusion = evaluate(self.average.net, frames, self.task, self.device,
                             channels_last=True)
        iou = " ".join(f"{name} {value:.3f}" for name, value
                       in zip(frames.meaning.names, confusion.iou()))
        print(f"epoch {self.epoch} val mIoU {confusion.miou():.4f} ({iou}) "
              f"in {time.monotonic() - started:.0f} s", flush=True)
        return confusion.miou()

    def _state(self):
        """Tensors and integers only, which every PyTorch loads with weights_only."""
        return {"learner": self.learner.state_dict(),
                "average": self.average.net.state_dict(),
                "optimizer": self.optimizer.state_dict()["state"],
                "scaler": {name: torch.tensor(value) for name, value
                           in self.scaler.state_dict().items()},
                "iteration": self.iteration,
                "elapsed": torch.tensor(self.elapsed, dtype=torch.float64),
                "best": torch.tensor(self.best, dtype=torch.float64)}

    def _save(self):
        partial = self.out / "checkpoint.part"
        torch.save(self._state(), partial)
        os.replace(partial, self.out / "checkpoint.pt")

    def resume(self):
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        try:
            self._restore(torch.load(path, map_location=self.device,
                                     weights_only=True))
        except Exception as error:  # PyTorch raises all kinds for a damaged file
            raise DataError(f"{path}: damaged, or the state of another training; "
                            "start again without --resume") from error
        print(f"resumed at epoch {self.epoch}, iteration {self.iteration}", flush=True)

    def _restore(self, state):
        self.learner.load_state_dict(state["learner"])
        self.average.net.load_state_dict(state["average"])
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state["optimizer"],
                                        "param_groups": groups})
        self.scaler.load_state_dict({name: value.item() for name, value
                                     in state["scaler"].items()})
        self.iteration = state["iteration"]
        self.elapsed, self.best = state["elapsed"].item(), state["best"].item()


def decaying(parameters, **options):
    """Parameter groups with weight decay for weights, none for biases and batch
    norm."""
    parameters = [p for p in parameters if p.requires_grad]
    return [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.01,
             **options},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0,
             **options}]


def measured_folder(text):
    """(folder, task or "", prefixes)."""
    folder, task, prefix, *more = text.split(":") + ["", ""]
    if any(more):
        raise ValueError
    return folder, task, (prefix,) if prefix else ()


def folder_with_share(text):
    """FOLDER:TASK:SHARE."""
    folder, task, share = text.rsplit(":", 2)
    if not 0 < float(share) < 1:
        raise ValueError
    return folder, task, float(share)


def make_parser(description=__doc__):
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("frames", help="folder with images/ and labels/")
    add("--task", required=True, help="TOML or JSON with labels and colours")
    add("--out", required=True, help="folder for checkpoints and the best model")
    add("--val", nargs="+", type=measured_folder, default=(), metavar=MEASURED,
        help="folders to validate on: TASK if their labels differ from --task's, "
        "PREFIX to use only frames whose names begin with it; the best state has the "
        "best mean over all of them")
    add("--without", nargs="+", default=(), metavar="PREFIX",
        help="leave frames whose names begin with it out of training")
    add("--init", metavar="MODEL", help="start from a model file: take over its "
        "network, mean and std, and its weights of classes with the same label")
    add("--data", action="append", type=folder_with_share, default=[],
        metavar="FOLDER:TASK:SHARE", help="more frames, which make up this share of "
        "each batch; TASK may define groups of classes (idd-lite.toml)")
    add("--soft", metavar="FOLDER", help="a teacher's probabilities (teach.py)")
    add("--soft-weight", type=float, default=1.0, metavar="WEIGHT",
        help="of the loss against them")
    add("--epochs", type=int, default=60)
    add("--minutes", type=float, help="train this long, instead of --epochs")
    add("--val-every", type=int, default=5, metavar="EPOCHS")
    add("--batch", type=int, default=8)
    add("--crop", type=int, nargs=2, default=(480, 640), metavar=("HEIGHT", "WIDTH"))
    add("--scale", type=float, nargs=2, default=(1.0, 2.8), metavar=("MIN", "MAX"))
    add("--focus", type=float, default=0.5,
        help="share of crops that show a rare class on purpose")
    add("--lr", type=float, default=0.0015)
    add("--lovasz", type=float, default=0.0, metavar="WEIGHT",
        help="of the Lovasz loss, which raises the mean IoU, where every class "
        "counts the same; 0.5 is good")
    add("--bf16", action="store_true",
        help="mixed precision on a CPU, too; faster if it supports bfloat16")
    add("--ema", type=float, default=0.998, help="decay of the averaged weights")
    add("--seed", type=int, default=1)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--resume", action="store_true", help="go on from OUT/checkpoint.pt")
    return parser


def check(parser, args):
    for wrong, sentence in (
            (any(n < 32 or n % 32 for n in args.crop),
             "--crop: height and width must be multiples of 32"),
            (args.batch < 2, "--batch: batch norm needs 2 frames or more"),
            (not 0 < args.scale[0] <= args.scale[1],
             "--scale: two factors above 0, the smaller first"),
            (args.epochs < 1, "--epochs: must be 1 or more"),
            (args.minutes is not None and args.minutes <= 0,
             "--minutes: must be above 0"),
            (args.val_every < 1, "--val-every: must be 1 or more"),
            (not re.fullmatch(r"cpu|cuda(:\d+)?", args.device),
             f"--device: {args.device} is neither cpu, cuda nor cuda:NUMBER"),
            (args.device.startswith("cuda") and not torch.cuda.is_available(),
             f"--device: PyTorch finds no GPU for {args.device}")):
        if wrong:
            parser.error(sentence)
    return args


def parse_args():
    parser = make_parser()
    parser.add_argument("--calibrate", type=Path, metavar="IMAGES",
                        help="folder of frames for the activation scales of the best "
                        "model (default: the training frames)")
    return check(parser, parser.parse_args())


def read_folders(args, task):
    """(task with the groups of all folders, Frames to train on, Frames to validate
    on)."""
    more = [(folder, labels_of(file, task)) for folder, file, _ in args.data]
    task = task.with_groups(labels for _, labels in more)
    train = [Frames(args.frames, task, args.without, soft=args.soft)]
    train += [Frames(folder, task, labels=labels, soft=args.soft)
              for folder, labels in more]
    vals = [frames_to_measure(folder, task) for folder in args.val]
    unseen = [label for label, count in zip(task.info.labels, train[0].pixels)
              if count == 0]
    if unseen:
        print(f"{args.frames}: no pixel is {' or '.join(unseen)}", file=sys.stderr)
    return task, train, vals


def labels_of(file, task):
    return read_labels(file, task.info.labels) if file else task.labels


def frames_to_measure(folder, task):
    folder, file, only = folder
    return Frames(folder, task, labels=labels_of(file, task), only=only, as_read=True)


def main():
    args = parse_args()
    with reported("train.py"):
        task = read_task(args.task)
        init = modelfile.load(args.init) if args.init else None
        if init:
            task = task.on(init[0].variant, init[1])
        images = scales.read_images(args.calibrate)
        train(args, Trainer, task, init).calibrate(images)


def train(args, trainer, task, init):
    """Trains; returns the trainer."""
    trainer = trainer(args, *read_folders(args, task), init)
    if args.resume:
        trainer.resume()
    trainer.run()
    return trainer


@contextlib.contextmanager
def reported(program):
    """Turns errors into one line that ends the program."""
    try:
        yield
    except (DataError, modelfile.ModelFileError, OSError) as error:
        sys.exit(f"{program}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"{program}: interrupted; --resume goes on from the last whole epoch")


if __name__ == "__main__":
    main()
