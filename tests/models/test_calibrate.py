#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/calibrate.py: adds scales to a model file, and nothing else."""

import contextlib
import io
import json
import pathlib
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest, make_images  # noqa: E402

try:
    import calibrate
    import numpy as np
    import torch
    import modelfile
    import scales
    from fastscnn import VARIANTS
    from network import FastSCNN
except ImportError:
    torch = None

SIZE = 64, 96  # width, height


@unittest.skipIf(torch is None, "no PyTorch, NumPy or Pillow")
class CalibrateTest(ScriptTest):
    def setUp(self):
        super().setUp()
        self.images = make_images(self.folder / "images", 3, SIZE)

    def write(self, variant):
        torch.manual_seed(4)
        path = self.folder / "model.safetensors"
        info = modelfile.ModelInfo("two", ["road", "sky"], [[1, 2, 3], [4, 5, 6]], *SIZE)
        modelfile.save(path, FastSCNN(variant, 2, batch_norm=False), info)
        return path

    def run_main(self, *arguments):
        return self.run_script(calibrate, *arguments)

    def inputs(self, info):
        return [scales.resize(image, info) for image in scales.read_images(self.images)]

    def test_every_variant(self):
        for name, variant in VARIANTS.items():
            with self.subTest(name):
                path = self.write(variant)
                tensors, before = modelfile.read_safetensors(path)
                self.assertIsNone(self.run_main(path, self.images))
                same, metadata = modelfile.read_safetensors(path)
                written = json.loads(metadata.pop("activation_scales"))
                self.assertEqual(metadata, before)
                self.assertEqual(list(same), list(tensors))
                for key, array in tensors.items():
                    np.testing.assert_array_equal(same[key], array)
                net, info = modelfile.load(path)  # checks the scales
                self.assertEqual(info.activation_scales, written)
                error, _ = scales.compare(net, info, info.activation_scales,
                                          self.inputs(info))
                self.assertLess(error, 0.15)

    def test_fewest_changed_classes_win(self):
        """Not the least error of the logits, which one outlier dominates."""
        net, info = modelfile.load(self.write(VARIANTS["mmseg"]))
        for results, wanted in ((((0.5, 0.99), (0.1, 0.98)), "usual"),
                                (((0.1, 0.98), (0.5, 0.99)), "least")):
            with mock.patch.object(scales, "compare", side_effect=results), \
                    mock.patch.object(scales.Ranges, "scales", return_value="usual"), \
                    mock.patch.object(scales, "least_error", return_value="least"):
                images = scales.read_images(self.images)
                self.assertEqual(scales.choose(net, info, images), wanted)

    def test_ranges(self):
        """A scale is the percentile of the magnitudes over all images, in steps of
        255 or, without an activation, 127."""
        net, info = modelfile.load(self.write(VARIANTS["mmseg"]))
        images = self.inputs(info)
        with torch.no_grad():
            ranges = scales.Ranges(net, info, images)
        found = {}
        for name in ("lds.conv", "gfe.b1.0.proj"):
            outputs = []
            hook = net.layer(name).register_forward_hook(
                lambda _module, _inputs, output, kept=outputs: kept.append(output))
            with torch.no_grad():
                for image in images:
                    net(scales.normalize(image, info))
            hook.remove()
            found[name] = torch.cat(outputs).abs().flatten().sort(descending=True).values
        for name, steps in (("lds.conv", 255), ("gfe.b1.0.proj", 127)):
            layer = next(layer for layer in net.convs if layer.name == name)
            for percentile in (99.9, 100):
                index = int(len(found[name]) * (1 - percentile / 100))
                self.assertAlmostEqual(ranges.scale(layer, percentile),
                                       found[name][index].item() / steps, places=6)

    def test_refusals(self):
        path = self.write(VARIANTS["paper"])
        before = path.read_bytes()
        self.assertIn("nowhere: no such folder",
                      self.run_main(path, self.folder / "nowhere"))
        (self.folder / "empty").mkdir()
        self.assertIn("no images", self.run_main(path, self.folder / "empty"))
        (self.folder / "text.safetensors").write_text("text")
        self.assertIn("no model file", self.run_main(
            self.folder / "text.safetensors", self.images))
        self.assertEqual(path.read_bytes(), before)
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.run_main(path, self.images, "--count", 0)
        self.assertIn("--count: must be 1 or more", said.getvalue())

    def test_scales_that_do_not_fit(self):
        """modelfile refuses what the element would refuse."""
        net, info = modelfile.load(self.write(VARIANTS["tramac"]))
        names = [layer.name for layer in modelfile.scaled_layers(net.variant, 2)]
        self.assertNotIn("cls.conv", names)
        right = dict.fromkeys(names, 0.25)
        modelfile.check_scales(net.variant, 2, right)
        for wrong in ({}, [], right | {"cls.conv": 1}, right | {"lds.conv": 0},
                      right | {"lds.conv": "1"}, right | {"lds.conv": float("nan")},
                      right | {"lds.conv": 1e7}, right | {"lds.conv": None}):
            with self.subTest(wrong), self.assertRaises(modelfile.ModelFileError):
                modelfile.check_scales(net.variant, 2, wrong)


if __name__ == "__main__":
    tap.main()
