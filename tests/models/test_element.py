#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The element's masks with converted weights are PyTorch's."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "models")]
import tap  # noqa: E402

try:
    import evaluate  # first: it loads GStreamer before NumPy
    import numpy as np
    import torch
    import convert
    import foreign
    import modelfile
    from network import class_map
    from street.view import render
    from street.world import Street
except (ImportError, ValueError) as error:
    evaluate, MISSING = None, str(error)
else:
    evaluate.Gst.init(None)
    MISSING = ("" if evaluate.Gst.ElementFactory.find("fastscnn")
               else "no element fastscnn")

FRAME = (330, 186)  # no multiple of anything
INPUT = (320, 192)


@unittest.skipIf(MISSING, MISSING)
class ElementTest(unittest.TestCase):
    def assert_same_mask(self, state):
        net = convert.rename(state)
        info = modelfile.ModelInfo("test", list("abcde"), [[0, 0, 0]] * 5, *INPUT)
        image, _ = render(Street(5, 60), FRAME, 10.0, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "test.safetensors")
            modelfile.save(path, net, info, half=False)
            segment = evaluate.Segmenter(path, "cpu", INPUT)
            self.addCleanup(segment.close)
            mask, classes = segment(image)
        self.assertEqual(classes.get_size(), 5)
        expected = self.torch_mask(net, info, image)
        self.assertGreater(len(np.unique(expected)), 1)
        self.assertGreaterEqual(float((mask == expected).mean()), 0.999)

    @staticmethod
    @torch.no_grad() if not MISSING else lambda f: f
    def torch_mask(net, info, image):
        mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (info.mean, info.std))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        pixels = torch.nn.functional.interpolate(
            ((pixels - mean) / std)[None], INPUT[::-1], mode="bilinear")
        return class_map(net(pixels), FRAME[::-1],
                         net.variant.align_corners)[0].numpy()

    def test_tramac(self):
        self.assert_same_mask(foreign.tramac()[0])

    def test_mmseg(self):
        self.assert_same_mask(foreign.mmseg()[0])

    def test_mmseg_2020(self):
        self.assert_same_mask(foreign.mmseg(2020)[0])


if __name__ == "__main__":
    tap.main()
