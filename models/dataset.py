# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of images and label PNGs: checked, kept in memory, augmented."""

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from fastscnn import Variant
from modelfile import ModelInfo
from pictures import DataError, pairs, read_pair

IGNORE = 255
# Losses look at the centre of every second pixel: a quarter of the cost, and
# random crops see to it that no pixel is always left out.
LABEL_STRIDE = 2
# Places of a rare class that are remembered of an image
PLACES = 64


@dataclass
class Task:
    """What is to be learnt: the classes, the network, the model's metadata."""

    info: ModelInfo
    variant: Variant
    ignore: tuple

    @property
    def classes(self):
        return len(self.info.labels)

    def on(self, variant, model):
        """The same task for the network that another model has."""
        source = f"{self.info.source}; begun from {model.name}: {model.license}"
        info = replace(self.info, mean=model.mean, std=model.std, source=source)
        return replace(self, info=info, variant=variant)


def read_task(path):
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    try:
        info = ModelInfo(raw["name"], [c["label"] for c in raw["class"]],
                         [c["color"] for c in raw["class"]], *raw["input"],
                         license=raw.get("license", ""),
                         source=raw.get("source", ""))
        variant = Variant(**raw.get("variant", {}))
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    for label, color in zip(info.labels, info.colors):
        if len(color) != 3 or any(c not in range(256) for c in color):
            raise DataError(f"{path}: the color of {label} is {color}, and not "
                            "[red, green, blue] from 0 to 255")
    if not 2 <= len(info.labels) <= 254:
        raise DataError(f"{path}: {len(info.labels)} classes, must be 2 to 254")
    return Task(info, variant, tuple(raw.get("ignore", ())))


class Frames:
    """Every image and label of a folder, decoded, as PIL images; those whose
    names begin with one of the prefixes in `without` are left out."""

    def __init__(self, folder, task, without=()):
        folder = Path(folder)
        self.names, self.images, self.labels = [], [], []
        self.pixels = np.zeros(256, np.int64)
        for path, label_path in pairs(folder / "images", folder / "labels",
                                      without=without):
            image, label = read_pair(path, label_path)
            ids = _check_ids(np.array(label), label_path, task)
            self.pixels += np.bincount(ids.ravel(), minlength=256)
            self.names.append(path.stem)
            self.images.append(image)
            self.labels.append(Image.fromarray(ids))
        if not self.pixels[:task.classes].any():
            raise DataError(f"{folder / 'labels'}: no pixel has a class, "
                            "all are ignored")

    def __len__(self):
        return len(self.names)

    def rare_places(self, classes):
        """Of every image, {class: some pixels (x, y)} for the classes that are
        rarer than most."""
        pixels = self.pixels[:classes]
        rare = np.flatnonzero((pixels > 0) & (pixels <= np.median(pixels[pixels > 0])))
        places = []
        for label in self.labels:
            ids = np.asarray(label)
            found = {c: np.argwhere(ids == c)[:, ::-1] for c in rare}
            places.append({c: xy[::max(1, len(xy) // PLACES)]
                           for c, xy in found.items() if len(xy)})
        return places


def _check_ids(ids, path, task):
    """The ids with every ignored value replaced by IGNORE."""
    ignored = np.isin(ids, (*task.ignore, IGNORE))
    wrong = ids[(ids >= task.classes) & ~ignored]
    if wrong.size:
        raise DataError(f"{path}: label value {wrong[0]}, but there are "
                        f"{task.classes} classes (0 to {task.classes - 1}) and "
                        f"the ignored values are {list(task.ignore) + [IGNORE]}")
    return np.where(ignored, IGNORE, ids).astype(np.uint8)


def class_weights(pixels):
    """Rare classes weigh more, by the fourth root of how rare they are: by the
    square root, poles and signs grew to several times their size, for crops
    are drawn to rare classes already."""
    share = np.maximum(pixels / max(pixels.sum(), 1), 1e-6)
    seen = share[pixels > 0]
    return np.clip((np.median(seen) / share) ** 0.25, 0.5, 2.0)


@dataclass
class Augmentation:
    crop: tuple  # (height, width) of what the network sees
    scale: tuple  # range of the factor by which images are enlarged
    mean: tuple
    std: tuple
    focus: float = 0.5  # share of crops that show a rare class on purpose

    def __call__(self, image, label, places, rng):
        """(float32 3xHxW, uint8 labels at 1/LABEL_STRIDE of the size)."""
        image, label = self._crop(image, label, self._target(places, rng), rng)
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            label = label.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = np.asarray(_vary_colour(image, rng), np.float32)
        pixels = (pixels / 255 - np.float32(self.mean)) / np.float32(self.std)
        return pixels.transpose(2, 0, 1), np.asarray(label)

    def _target(self, places, rng):
        """A pixel that the crop has to show, or None."""
        if not places or rng.random() >= self.focus:
            return None
        options = places[sorted(places)[rng.integers(len(places))]]
        return options[rng.integers(len(options))]

    def _crop(self, image, label, target, rng):
        height, width = self.crop
        low, high = np.log(self.scale)
        scale = np.exp(rng.uniform(low, high))
        # Where the scaled image is smaller than the crop, borders are ignored.
        view = (min(image.width, width / scale), min(image.height, height / scale))
        left, top = (_start(n, part, at, rng) for n, part, at in
                     zip(image.size, view, (None, None) if target is None else target))
        box = (left, top, left + view[0], top + view[1])
        unit = LABEL_STRIDE
        size = [max(1, round(n * scale / unit)) for n in view]
        spot = [int(rng.integers(0, n // unit - m + 1))
                for n, m in zip((width, height), size)]
        part = image.resize([n * unit for n in size], Image.Resampling.BILINEAR, box)
        ids = label.resize(size, Image.Resampling.NEAREST, box)
        grey = tuple(round(255 * m) for m in self.mean)
        canvas = Image.new("RGB", (width, height), grey)
        canvas.paste(part, [n * unit for n in spot])
        truth = Image.new("L", (width // unit, height // unit), IGNORE)
        truth.paste(ids, spot)
        return canvas, truth


def _start(length, part, target, rng):
    """Where a part of a length starts; the target lies not at its very edge."""
    if target is None:
        return rng.uniform(0, length - part)
    return float(np.clip(target - part * rng.uniform(0.15, 0.85), 0, length - part))


def _vary_colour(image, rng):
    """Saturation, then brightness, contrast, gamma and tint in one table."""
    image = ImageEnhance.Color(image).enhance(rng.uniform(0.6, 1.4))
    ramp = np.linspace(0, 1, 256)[None] ** np.exp(rng.uniform(-0.3, 0.3))
    contrast = rng.uniform(0.7, 1.3)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, (3, 1))
    table = ((ramp - 0.5) * contrast + 0.5) * gain
    return image.point(np.clip(table * 255, 0, 255).astype(np.uint8).ravel().tolist())
