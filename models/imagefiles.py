# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds, decodes and checks images and label PNGs in two folders."""

from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png")


class DataError(Exception):
    """Something about the data that its owner has to mend."""


def find_images(folder):
    """Paths of the images in a folder, sorted by name."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: no images ({', '.join(SUFFIXES)})")
    return paths


def spread(items, count):
    """At most `count` of the items, evenly spread."""
    return [items[i * len(items) // count] for i in range(count)] \
        if len(items) > count else items


def read_image(path):
    """RGB."""
    return _decode(path).convert("RGB")


def pairs(images, labels, only=(), without=()):
    """Paths [(image, label)]; `only` and `without` are prefixes of names to use or
    to leave out."""
    paths = find_images(images)
    for prefix in (*only, *without):
        if not any(path.name.startswith(prefix) for path in paths):
            raise DataError(f"{images}: no name begins with {prefix}")
    paths = [path for path in paths if not path.name.startswith(tuple(without))
             and path.name.startswith(tuple(only) or "")]
    if not paths:
        raise DataError(f"{images}: without {', '.join(without)} no image is left")
    found = [(path, labels / (path.stem + ".png")) for path in paths]
    for path, label in found:
        if not label.exists():
            raise DataError(f"{path}: no label {label}")
    return found


def read_pair(path, label_path):
    """(RGB image, image of class ids)."""
    image, label = read_image(path), _decode(label_path)
    if label.mode not in ("L", "P"):
        raise DataError(f"{label_path}: mode {label.mode}, must be 8-bit "
                        "class ids (mode L or P)")
    if image.size != label.size:
        raise DataError(f"{label_path}: {_size(label)}, but its image is "
                        f"{_size(image)}")
    return image, label


def _decode(path):
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all of them
        raise DataError(f"{path}: {error}") from error


def _size(image):
    return f"{image.width}x{image.height}"
