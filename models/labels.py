# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the values in label PNGs mean: one class each, or a group of classes."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from imagefiles import DataError
from metrics import UNKNOWN


@dataclass(frozen=True)
class Labels:
    """For every label value: its name; `members`, the indices of the classes that
    its pixels may have; and `own`, those members that count as this label wherever
    they are found. `also_weight` is the weight of the other members in training."""

    names: tuple
    members: tuple
    own: tuple
    ignore: tuple = ()
    also_weight: float = 1.0

    @property
    def targets(self):
        """((class, weight), ...) for every label value."""
        return [tuple((c, 1.0 if c in own else self.also_weight) for c in members)
                for members, own in zip(self.members, self.own)]

    @property
    def grouped(self):
        """Whether any label allows several classes."""
        return any(len(group) > 1 for group in self.members)

    def home(self, classes):
        """For every class, the label that it counts as, or UNKNOWN."""
        found = {c: label for label, own in enumerate(self.own) for c in own}
        return [found.get(c, UNKNOWN) for c in range(classes)]


def of_classes(names, ignore=()):
    """Labels whose values are classes."""
    single = tuple((c,) for c in range(len(names)))
    return Labels(tuple(names), single, single, tuple(ignore))


def read_file(path):
    """The contents of a TOML or JSON file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def read_labels(path, classes):
    """The Labels of a task file, for a model with these classes. The file has
    groups of them or the classes themselves, which may have another order."""
    raw = read_file(path)
    also_weight = raw.get("also_weight", 1.0)
    if not isinstance(also_weight, (int, float)) or not 0 < also_weight <= 1:
        raise DataError(f"{path}: also_weight is {also_weight}, must be a number above "
                        "0 and at most 1")
    try:
        if "group" not in raw:
            names = [c["label"] for c in raw["class"]]
            members = own = tuple((_index(name, classes, path),) for name in names)
        else:
            names = [group["label"] for group in raw["group"]]
            own, also = (tuple(tuple(_index(name, classes, path)
                                     for name in group.get(key, ()))
                               for group in raw["group"])
                         for key in ("classes", "also"))
            members = tuple(tuple(sorted({*a, *b})) for a, b in zip(own, also))
            _check_groups(path, names, own, members, classes)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no task file ({error})") from error
    return Labels(tuple(names), members, own, tuple(raw.get("ignore", ())),
                  also_weight)


def _index(name, classes, path):
    if name not in classes:
        raise DataError(f"{path}: the model has no class {name}, "
                        f"it has {', '.join(classes)}")
    return list(classes).index(name)


def _check_groups(path, names, own, members, classes):
    for name, group in zip(names, members):
        if not group:
            raise DataError(f"{path}: the group {name} has no classes")
    for index, name in enumerate(classes):
        count = sum(index in group for group in own)
        if count != 1:
            raise DataError(f"{path}: {name} stands in `classes` of {count} groups, "
                            "and must stand in one; `also` is for the others")
