#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/train.py: goes on where it was killed, and says what is wrong."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "models")]
import tap  # noqa: E402

try:
    import numpy as np
    from PIL import Image
    import torch  # noqa: F401
    import dataset
    import metrics
except ImportError:
    dataset = None

TIMEOUT = 300  # on a busy machine; alone it takes seconds
TASK = {"name": "two", "input": [64, 64], "ignore": [9],
        "class": [{"label": "dark", "color": [0, 0, 0]},
                  {"label": "light", "color": [255, 255, 255]}]}


def make_frames(folder, count):
    """Light rectangles on dark ground."""
    random = np.random.default_rng(5)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        label = np.zeros((48, 64), np.uint8)
        top, left = random.integers(0, 24, 2)
        label[top:top + 20, left:left + 30] = 1
        image = (label[..., None] * 120 + random.integers(0, 80, (48, 64, 3)))
        Image.fromarray(image.astype(np.uint8)).save(folder / "images" / f"{i}.png")
        Image.fromarray(label).save(folder / "labels" / f"{i}.png")


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class TrainTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "task.json").write_text(json.dumps(TASK))
        self.data = self.folder / "data"
        make_frames(self.data, 4)

    def start(self, out, *options):
        return subprocess.Popen(
            [sys.executable, "-B", ROOT / "models" / "train.py", self.data,
             "--task", self.folder / "task.json", "--val", self.data, "--out", out,
             "--epochs", "4", "--val-every", "2", "--batch", "2", "--crop", "64", "64",
             "--device", "cpu", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def test_killed_and_resumed_is_as_uninterrupted(self):
        whole, broken = self.folder / "whole", self.folder / "broken"
        process = self.start(whole)
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("val mIoU", output)

        process = self.start(broken)
        for line in process.stdout:
            if line.startswith("epoch 3 loss"):
                process.kill()
        process.communicate()
        self.assertLess(process.returncode, 0)
        process = self.start(broken, "--resume")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 0, errors)
        self.assertIn("resumed at epoch", output)
        name = "best.safetensors"
        self.assertEqual((whole / name).read_bytes(), (broken / name).read_bytes())

    def assert_refused(self, *words):
        with self.assertRaises(dataset.DataError) as caught:
            task = dataset.read_task(self.folder / "task.json")
            dataset.Frames(self.data, task)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_error_ends_the_program_with_one_line(self):
        (self.data / "labels" / "1.png").unlink()
        process = self.start(self.folder / "out")
        _, errors = process.communicate(timeout=TIMEOUT)
        self.assertNotEqual(process.returncode, 0)
        self.assertRegex(errors, r"^train\.py: .*1\.png: no label .*\n$")

    def test_wrong_label_value(self):
        ids = np.full((48, 64), 7, np.uint8)
        Image.fromarray(ids).save(self.data / "labels" / "2.png")
        self.assert_refused("2.png", "label value 7", "2 classes", "9")

    def test_ignored_label_value(self):
        ids = np.full((48, 64), 9, np.uint8)
        Image.fromarray(ids).save(self.data / "labels" / "2.png")
        task = dataset.read_task(self.folder / "task.json")
        frames = dataset.Frames(self.data, task)
        self.assertEqual(set(np.unique(frames.labels[2])), {dataset.IGNORE})

    def test_mismatched_size(self):
        Image.new("L", (32, 48)).save(self.data / "labels" / "0.png")
        self.assert_refused("0.png", "32x48", "64x48")

    def test_colour_label(self):
        Image.new("RGB", (64, 48)).save(self.data / "labels" / "0.png")
        self.assert_refused("0.png", "RGB")

    def test_empty_folder(self):
        for path in (self.data / "images").iterdir():
            path.unlink()
        self.assert_refused("no images")

    def test_no_folder(self):
        self.data = self.folder / "elsewhere"
        self.assert_refused("elsewhere", "no such folder")

    def test_task_without_classes(self):
        (self.folder / "task.json").write_text(json.dumps({"name": "x", "input": [1, 1]}))
        self.assert_refused("task.json", "class")

    def test_iou(self):
        confusion = metrics.Confusion(3)
        truth = np.array([0, 0, 1, 1, 255], np.uint8)
        found = np.array([0, 1, 1, 255, 0], np.uint8)
        confusion.add(truth, found)
        iou = confusion.iou()
        self.assertAlmostEqual(iou[0], 1 / 2)
        self.assertAlmostEqual(iou[1], 1 / 3)
        self.assertTrue(np.isnan(iou[2]))
        self.assertAlmostEqual(confusion.miou(), 5 / 12)


if __name__ == "__main__":
    tap.main()
