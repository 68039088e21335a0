# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files of compare-peers.py for one size: frames, and models that the runtimes can
read. With a folder to keep them in, models are made once."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
from imagefiles import find_images, read_image, spread  # noqa: E402
from metrics import Confusion  # noqa: E402

CLIP = ROOT / "pipelines/street.mp4"
FRAMES = 4  # of the clip
CALIBRATION_FRAMES = 16


class PeerError(Exception):
    """An error message for the user."""


class Files:
    """`python_of (name)` returns the interpreter of an environment."""

    def __init__(self, model, size, folder, keep, python_of):
        self.model, self.size = model, size  # (height, width)
        self.folder, self.python_of = folder, python_of
        self.text = f"{size[1]}x{size[0]}"
        self.kept = keep or folder
        self.kept.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()
        self.name = f"{digest[:8]}-{self.text}"
        self.frames = folder / "frames"

    def write_frames_of_clip(self):
        height, width = self.size
        subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={CLIP}", "!", "decodebin",
             "!", "videorate", "!", "video/x-raw,framerate=2/1", "!", "videoconvert",
             "!", "videoscale", "add-borders=false", "!", "video/x-raw,format=RGB,"
             f"width={width},height={height},pixel-aspect-ratio=1/1", "!",
             "filesink", f"location={self.frames}"], check=True)
        if self.frames.stat().st_size < FRAMES * 3 * height * width:
            raise PeerError(f"{CLIP} has too few frames")
        os.truncate(self.frames, FRAMES * 3 * height * width)

    def write_images(self, paths, output):
        """Writes images, stretched to the size as the element does."""
        with open(output, "wb") as file:
            for path in paths:
                image = read_image(path).resize(self.size[::-1], Image.BILINEAR)
                file.write(image.tobytes())

    def onnx(self):
        return self._once(f"{self.name}.onnx", lambda path: self._run(
            "pytorch", "models/export_onnx.py", self.model, path, "--size", self.text))

    def quantized(self, runtime, images):
        """Returns the model in 8 bits, calibrated with frames of a folder."""
        suffix = {"onnxruntime": "onnx", "openvino": "xml"}[runtime]
        return self._once(f"{self.name}-{runtime}-int8.{suffix}",
                          lambda path: self._quantize(runtime, images, path))

    def _quantize(self, runtime, images, output):
        frames = self.folder / "calibration"
        self.write_images(spread(find_images(images), CALIBRATION_FRAMES), frames)
        self._run(runtime, "tests/bench/quantize.py", runtime, self.onnx(), frames,
                  output, "--size", self.text)

    def _once(self, name, make):
        path = self.kept / name
        if not path.exists():
            try:
                make(path)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return path

    def _run(self, environment, script, *arguments):
        subprocess.run([self.python_of(environment), ROOT / script,
                        *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def count_classes(model):
    with open(model, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return len(json.loads(header["__metadata__"]["labels"]))


def agreement(masks, others):
    """Share of equal pixels of two files."""
    one, other = (np.memmap(path, np.uint8, "r") for path in (masks, others))
    return float(np.mean(one == other)) if len(one) == len(other) else 0.0


def mean_iou(masks, size, labels, classes):
    """Mean IoU of a file of masks against label PNGs of any size."""
    found = np.memmap(masks, np.uint8, "r").reshape(-1, *size)
    confusion = Confusion(classes)
    for mask, path in zip(found, labels, strict=True):
        with Image.open(path) as label:
            confusion.add(np.array(label.resize(size[::-1], Image.NEAREST)), mask)
    return confusion.miou()
