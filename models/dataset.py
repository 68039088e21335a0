# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of images and label PNGs: checked, kept in memory, augmented."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from fastscnn import Variant
from imagefiles import DataError, pairs, read_pair
from labels import of_classes, read_file
from modelfile import ModelFileError, ModelInfo

IGNORE = 255
# Losses use every second row and column, for a quarter of the cost. Random crops
# ensure that no pixel is always left out.
LABEL_STRIDE = 2
# A teacher's probabilities have no fine edges.
SOFT_STRIDE = 4
# Luma of red, green and blue (ITU-R BT.601)
GREY = (0.299, 0.587, 0.114)
# Pixels of a rare class that are remembered per image
PLACES = 64


@dataclass
class Task:
    """What a training learns: classes, network variant, metadata of the model."""

    info: ModelInfo
    variant: Variant
    ignore: tuple
    groups: tuple = ()  # of ((class, weight), ...): a pixel may have any of these

    @property
    def classes(self):
        return len(self.info.labels)

    @property
    def labels(self):
        return of_classes(self.info.labels, self.ignore)

    def with_groups(self, folders):
        """The same task with all groups of these folders' Labels."""
        groups = {group for labels in folders for group in labels.targets
                  if len(group) > 1}
        return replace(self, groups=tuple(sorted(groups)))

    def target(self, group):
        """The target id of a label that stands for these classes. The ids of
        groups follow those of classes."""
        return (group[0][0] if len(group) == 1
                else self.classes + self.groups.index(group))

    @property
    def targets(self):
        return self.classes + len(self.groups)

    def on(self, variant, model):
        """The same task for the network of another model."""
        source = f"{self.info.source}; begun from {model.name}: {model.license}"
        info = replace(self.info, mean=model.mean, std=model.std, source=source)
        return replace(self, info=info, variant=variant)


def read_task(path):
    raw = read_file(path)
    try:
        info = ModelInfo(raw["name"], [c["label"] for c in raw["class"]],
                         [c["color"] for c in raw["class"]], *raw["input"],
                         license=raw.get("license", ""),
                         source=raw.get("source", ""),
                         aliases={alias: c["label"] for c in raw["class"]
                                  for alias in c.get("aliases", ())})
        info.check_aliases()
        variant = Variant(**raw.get("variant", {}))
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing") from error
    except (TypeError, ValueError, ModelFileError) as error:
        raise DataError(f"{path}: {error}") from error
    for label, color in zip(info.labels, info.colors):
        if len(color) != 3 or any(c not in range(256) for c in color):
            raise DataError(f"{path}: the color of {label} is {color}, and not "
                            "[red, green, blue] from 0 to 255")
    if not 2 <= len(info.labels) <= 254:
        raise DataError(f"{path}: {len(info.labels)} classes, must be 2 to 254")
    return Task(info, variant, tuple(raw.get("ignore", ())))


class Frames:
    """All images (3, H, W) and labels (H, W) of a folder, as uint8 tensors in
    memory. Labels hold the task's targets; `as_read` keeps the values of the files,
    for measuring. `only` and `without` are prefixes of the names of frames to use
    or to leave out. A teacher's probabilities are read from `soft`/NAME.npy where
    that file exists."""

    def __init__(self, folder, task, without=(), labels=None, soft=None, only=(),
                 as_read=False):
        folder = Path(folder)
        self.meaning = labels or task.labels
        lookup = _lookup(task, self.meaning, as_read)
        self.names, self.images, self.labels, self.soft = [], [], [], []
        self.pixels = np.zeros(256, np.int64)
        for path, label_path in pairs(folder / "images", folder / "labels", only,
                                      without):
            image, label = read_pair(path, label_path)
            ids = _checked(np.array(label), label_path, self.meaning, lookup)
            self.pixels += np.bincount(ids.ravel(), minlength=256)
            self.names.append(path.stem)
            self.images.append(torch.from_numpy(np.array(image)).permute(2, 0, 1))
            self.labels.append(torch.from_numpy(ids))
            self.soft.append(_read_soft(soft, path.stem, task.classes))
        if not self.pixels[:IGNORE].any():
            raise DataError(f"{folder / 'labels'}: no pixel has a class, "
                            "all are ignored")

    def __getitem__(self, index):
        return self.images[index], self.labels[index], self.soft[index]

    def __len__(self):
        return len(self.names)

    def rare_places(self, targets):
        """For every image, {target: some of its pixels (x, y)}, for the rarer half
        of the targets."""
        pixels = self.pixels[:targets]
        rare = np.flatnonzero((pixels > 0) & (pixels <= np.median(pixels[pixels > 0])))
        places = []
        for label in self.labels:
            ids = label.numpy()
            found = {c: np.argwhere(ids == c)[:, ::-1] for c in rare}
            places.append({c: xy[::max(1, len(xy) // PLACES)]
                           for c, xy in found.items() if len(xy)})
        return places


def _lookup(task, labels, as_read):
    """The task's target for every label value, or IGNORE."""
    lookup = np.full(256, IGNORE, np.uint8)
    count = len(labels.members)
    lookup[:count] = (range(count) if as_read else
                      [task.target(group) for group in labels.targets])
    lookup[list(labels.ignore)] = IGNORE
    return lookup


def _checked(ids, path, labels, lookup):
    count = len(labels.members)
    wrong = ids[(ids >= count) & ~np.isin(ids, (*labels.ignore, IGNORE))]
    if wrong.size:
        raise DataError(f"{path}: label value {wrong[0]}, but there are {count} "
                        f"classes (0 to {count - 1}) and the ignored values are "
                        f"{list(labels.ignore) + [IGNORE]}")
    return lookup[ids]


def _read_soft(folder, name, classes):
    """A teacher's probabilities (C, h, w) in 255ths; 0 if there are none."""
    path = Path(folder or "") / (name + ".npy")
    if not folder or not path.exists():
        return torch.zeros((classes, 1, 1), dtype=torch.uint8)
    try:
        soft = np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    if soft.ndim != 3 or len(soft) != classes or soft.dtype != np.uint8:
        raise DataError(f"{path}: {soft.dtype} of {soft.shape}, must be uint8 of "
                        f"{classes} classes, height and width")
    return torch.from_numpy(soft)


def target_weights(folders, targets):
    """Weights of targets, each from its share in the first folder that has it."""
    weights, known = np.ones(targets), np.zeros(targets, bool)
    for frames in folders:
        pixels = frames.pixels[:targets]
        weights = np.where(known, weights, class_weights(pixels))
        known |= pixels > 0
    return weights


def class_weights(pixels):
    """Weights by the fourth root of rarity. With the square root, poles and signs
    were predicted several times too large, because crops favour rare classes
    already."""
    share = np.maximum(pixels / max(pixels.sum(), 1), 1e-6)
    seen = share[pixels > 0]
    return np.clip((np.median(seen) / share) ** 0.25, 0.5, 2.0)


@dataclass
class View:
    """How a frame is augmented: which part of it is shown, in which light."""

    center: tuple  # (x, y) in pixels of the frame, from its upper left corner
    scale: tuple  # (x, y): factors that enlarge the frame
    mirrored: bool
    light: tuple  # saturation, gamma, contrast; gain of red, green and blue


class Augmentation:
    """Random parts of frames in random light. Random numbers come from the CPU;
    the pixels are computed on the device, asynchronously."""

    def __init__(self, crop, scale, info, device="cpu", focus=0.5):
        self.crop = crop  # (height, width) of what the network sees
        self.scale = scale  # range of the factor that enlarges images
        self.device = torch.device(device)
        self.focus = focus  # share of crops that are placed on a rare class
        self.mean, self.std, self.grey = (
            torch.tensor(v, device=self.device).reshape(3, 1, 1)
            for v in (info.mean, info.std, GREY))

    def choose(self, size, places, rng, enlarged=(1.0, 1.0)):
        """A random View of a frame of this (height, width), which is first enlarged
        by these factors (x, y)."""
        low, high = np.log(self.scale)
        factor = float(np.exp(rng.uniform(low, high)))
        scale = tuple(factor * n for n in enlarged)
        target = self._target(places, rng)
        center = tuple(_center(whole, seen / n, at, rng) for whole, seen, n, at in
                       zip(size, self.crop, scale[::-1], target or (None, None)))[::-1]
        light = (rng.uniform(0.6, 1.4), np.exp(rng.uniform(-0.3, 0.3)),
                 rng.uniform(0.7, 1.3))
        gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
        return View(center, scale, bool(rng.random() < 0.5), (*light, *gain))

    def apply(self, frames, views):
        """Float images (N, 3, height, width), labels (N, height, width) at
        1/LABEL_STRIDE of the size, and a teacher's probabilities (N, C, height,
        width) at 1/SOFT_STRIDE, of (image, label, probabilities)."""
        mappings = self._upload(torch.tensor(
            [self._mapping(label.shape, view) for (_, label, _), view
             in zip(frames, views)], dtype=torch.float32))
        parts = [self._part(*frame, mapping[None]) for frame, mapping
                 in zip(self._upload_frames(frames), mappings)]
        images, labels, soft = (torch.cat(part) for part in zip(*parts))
        images = self._relight(images, views)
        return (images - self.mean) / self.std, labels, soft

    def _upload(self, tensor):
        if self.device.type == "cpu":
            return tensor
        return tensor.pin_memory().to(self.device, non_blocking=True)

    def _upload_frames(self, frames):
        """All of them at once: from pinned memory, so that nobody waits."""
        tensors = [tensor for frame in frames for tensor in frame]
        flat = self._upload(torch.cat([tensor.flatten() for tensor in tensors]))
        parts = flat.split([tensor.numel() for tensor in tensors])
        shaped = [part.view(tensor.shape) for part, tensor in zip(parts, tensors)]
        return zip(shaped[::3], shaped[1::3], shaped[2::3])

    def _target(self, places, rng):
        """(y, x) of a pixel that the crop must contain, or None."""
        if not places or rng.random() >= self.focus:
            return None
        options = places[sorted(places)[rng.integers(len(places))]]
        return tuple(options[rng.integers(len(options))])

    def _mapping(self, size, view):
        """Maps coordinates in the crop to coordinates in the frame, both from -1
        to 1, in the form of affine_grid."""
        scale = [seen / (n * whole)
                 for seen, n, whole in zip(self.crop, view.scale[::-1], size)]
        shift = [2 * at / whole - 1 for at, whole in zip(view.center[::-1], size)]
        flip = -1 if view.mirrored else 1
        return [[flip * scale[1], 0, shift[1]], [0, scale[0], shift[0]]]

    def _part(self, image, label, soft, mapping):
        """Beyond the frame, pixels have the mean colour and labels are ignored."""
        pixels = self._sample((image / 255 - self.mean)[None], mapping, 1) + self.mean
        ids = self._sample((label.float() - IGNORE)[None, None], mapping, LABEL_STRIDE,
                           "nearest") + IGNORE
        taught = self._sample((soft / 255)[None], mapping, SOFT_STRIDE)
        return pixels, ids[0].long(), taught

    def _sample(self, values, mapping, stride, mode="bilinear"):
        size = [n // stride for n in self.crop]
        grid = F.affine_grid(mapping, (1, 1, *size), align_corners=False)
        return F.grid_sample(values, grid, mode, align_corners=False)

    def _relight(self, images, views):
        light = self._upload(torch.tensor([view.light for view in views],
                                          dtype=torch.float32))
        saturation, gamma, contrast = light[:, :3, None, None].split(1, 1)
        grey = (images * self.grey).sum(1, keepdim=True)
        images = torch.lerp(grey, images, saturation).clamp_(0, 1) ** gamma
        images = ((images - 0.5) * contrast + 0.5) * light[:, 3:, None, None]
        return images.clamp_(0, 1)


def _center(whole, seen, target, rng):
    """A random centre for a part of length `seen`: the part lies within the whole,
    or around it if it is longer. A target stays away from the part's edges."""
    low, high = sorted((seen / 2, whole - seen / 2))
    if target is None:
        return float(rng.uniform(low, high))
    return float(np.clip(target + seen * rng.uniform(-0.35, 0.35), low, high))
