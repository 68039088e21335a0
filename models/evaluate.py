#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the element fastscnn on a folder of images and label PNGs.

Prints one JSON object: mean IoU, IoU of every class, number of frames. Label
ids at or above the number of classes are not counted. With --groups, labels are
groups of classes: a predicted class counts as the group that owns it; for
"possible", it is right wherever the true group allows it. Needs the plugin: run
it in the development environment (meson devenv -C build) or install the plugin.
"""

import argparse
import json
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstClassMask", "1.0")
# Before NumPy: GStreamer loads libunwind, and C++ exceptions fail if NumPy has
# loaded libstdc++ before and bound it to another unwinder.
from gi.repository import Gst, GstApp, GstClassMask  # noqa: E402,F401

import numpy as np  # noqa: E402

import report  # noqa: E402
from imagefiles import DataError, pairs, read_pair  # noqa: E402
from labels import of_classes, read_labels  # noqa: E402
from metrics import Confusion, GroupConfusion  # noqa: E402

TIMEOUT = 60 * Gst.SECOND
WORST_FRAMES = 8


class EvaluateError(Exception):
    """Why the element could not be measured."""


class Segmenter:
    """The element in a pipeline of its own; one image in, one mask out."""

    def __init__(self, model, backend, size, precision="auto"):
        self.pipeline = Gst.parse_launch(
            "appsrc name=in format=time ! fastscnn name=net ! "
            "appsink name=out sync=false")
        net, self.source, self.sink = (
            self.pipeline.get_by_name(n) for n in ("net", "in", "out"))
        if model:
            net.set_property("model-file", model)
        Gst.util_set_object_arg(net, "backend", backend)
        Gst.util_set_object_arg(net, "precision", precision)
        if size:
            net.set_property("infer-width", size[0])
            net.set_property("infer-height", size[1])
        self.pipeline.set_state(Gst.State.PLAYING)

    def __call__(self, image):
        """The GstClassMask.Mask of the image."""
        mask = GstClassMask.mask_of(self.push(image))
        if mask is None:
            raise EvaluateError("the element attached no mask")
        return mask

    def push(self, image):
        """The buffer that the element outputs."""
        caps = (f"video/x-raw,format=RGBx,width={image.width},"
                f"height={image.height},framerate=0/1")
        # RGBx rows need no padding, whatever the width.
        buffer = Gst.Buffer.new_wrapped(image.convert("RGBX").tobytes())
        buffer.pts = 0
        self.source.push_sample(Gst.Sample.new(buffer, Gst.Caps.from_string(caps),
                                               None, None))
        sample = self.sink.try_pull_sample(TIMEOUT)
        if sample is None:
            raise EvaluateError(self._error())
        return sample.get_buffer()

    def _error(self):
        message = self.pipeline.get_bus().timed_pop_filtered(
            0, Gst.MessageType.ERROR)
        return (message.parse_error()[0].message if message
                else "no frame came out of the element")

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


class Evaluation:
    """The results of all frames."""

    def __init__(self, groups=None):
        self.groups = groups
        self.frames = []  # (IoU over the frame's labels, image path, truth, mask)
        self.confusion = self.model = self.labels = self.colors = None

    def add(self, path, truth, mask):
        if self.confusion is None:
            self._begin(mask)
        self.confusion.add(truth, mask.array)
        found = self.confusion.labels_of(mask.array)
        alone = Confusion(len(self.labels))
        alone.add(truth, found)
        self.frames.append((alone.miou(), path, truth, found))

    def _begin(self, mask):
        self.model = mask.model or "a model without a name"
        names = list(mask.labels)
        labels = read_labels(self.groups, names) if self.groups else of_classes(names)
        self.labels = labels.names
        self.colors = [mask.colors[(own or members)[0]]
                       for own, members in zip(labels.own, labels.members)]
        self.confusion = GroupConfusion(labels, len(names))

    def summary(self):
        found = {"miou": round(self.confusion.miou(), 4),
                 "iou": self._by_label(self.confusion)}
        if self.groups:
            possible = self.confusion.possible
            found |= {"possible": round(possible.miou(), 4),
                      "possible_iou": self._by_label(possible)}
        return found | {"frames": len(self.frames)}

    def _by_label(self, confusion):
        return {label: None if np.isnan(value) else round(float(value), 4)
                for label, value in zip(self.labels, confusion.iou())}

    def worst(self):
        return sorted(self.frames, key=lambda f: f[0])[:WORST_FRAMES]


def evaluate(args):
    found = Evaluation(args.groups)
    segment = Segmenter(args.model, args.backend, args.size, args.precision)
    try:
        for path, label in pairs(args.images, args.labels, args.only):
            image, truth = read_pair(path, label)
            found.add(path, np.array(truth), segment(image))
            if sys.stderr.isatty():
                print(f"\r{len(found.frames)} frames ", end="", file=sys.stderr)
    finally:
        segment.close()
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--only", nargs="+", default=(), metavar="PREFIX",
                        help="measure only frames whose names begin with it")
    parser.add_argument("--groups", metavar="TASK",
                        help="task file with groups, if the labels are not the "
                        "model's classes")
    parser.add_argument("--model", metavar="FILE", help="default: the shipped one")
    parser.add_argument("--backend", default="auto", choices=("auto", "cuda", "cpu"))
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "int8"))
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"),
                        help="network input; default: chosen by the element")
    parser.add_argument("--report", type=Path, metavar="DIR",
                        help="also write DIR/index.html")
    args = parser.parse_args()
    Gst.init(None)
    try:
        found = evaluate(args)
        if args.report:
            report.write(args.report, found)
    except (DataError, EvaluateError, OSError) as error:
        sys.exit(f"evaluate.py: {error}")
    print(json.dumps(found.summary()))


if __name__ == "__main__":
    main()
