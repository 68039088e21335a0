#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/average.py: the mean of weights, and of nothing that does not fit."""

import dataclasses
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest  # noqa: E402

try:
    import torch
    import average
    import modelfile
    from fastscnn import Variant
    from network import FastSCNN
except ImportError:
    torch = None


@unittest.skipIf(torch is None, "no PyTorch, NumPy or Pillow")
class AverageTest(ScriptTest):
    def setUp(self):
        super().setUp()
        self.info = modelfile.ModelInfo("first", ["road", "sky"], [[1, 2, 3]] * 2, 64, 64)
        self.paths = [self.write(f"{i}", Variant(), self.info) for i in range(3)]

    def write(self, name, variant, info):
        path = self.folder / f"{name}.safetensors"
        net = FastSCNN(variant, len(info.labels), batch_norm=False)
        modelfile.save(path, net, dataclasses.replace(info, name=name))
        return path

    def run_main(self, *paths):
        """(message where it failed, the file it wrote)."""
        out = self.folder / "out.safetensors"
        return self.run_script(average, *paths, "--out", out), out

    def test_mean(self):
        message, out = self.run_main(*self.paths)
        self.assertIsNone(message)
        net, info = modelfile.load(out)
        self.assertEqual(info.name, "0")
        parts = [modelfile.load(path)[0].state_dict() for path in self.paths]
        for name, found in net.state_dict().items():
            mean = sum(part[name] for part in parts) / 3
            self.assertTrue(torch.allclose(found, mean, atol=1e-3), name)

    def assert_refused(self, reason, path):
        message, out = self.run_main(self.paths[0], path)
        self.assertTrue(message.startswith(f"average.py: {path}"), message)
        self.assertIn(reason, message)
        self.assertFalse(out.exists())

    def test_other_classes(self):
        info = dataclasses.replace(self.info, labels=["road", "car"])
        self.assert_refused("classes", self.write("other", Variant(), info))

    def test_other_network(self):
        variant = dataclasses.replace(Variant(), align_corners=not Variant().align_corners)
        self.assert_refused("network", self.write("other", variant, self.info))

    def test_other_mean(self):
        info = dataclasses.replace(self.info, mean=[0.1, 0.2, 0.3])
        self.assert_refused("mean", self.write("other", Variant(), info))

    def test_no_model(self):
        path = self.folder / "no-model"
        path.write_bytes(b"nothing")
        self.assert_refused("no model file", path)


if __name__ == "__main__":
    tap.main()
