#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The element's masks with converted weights, and how sure it is, are PyTorch's."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402

try:
    import evaluate
    import numpy as np
    import torch
    from PIL import Image
    import convert
    import foreign
    import modelfile
    from imagefiles import pairs, read_pair
    from int8 import Int8Network
    from metrics import Confusion
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
DRIVE = ROOT.parent / "shared" / "data" / "camvid" / "val" / "images"


def frames():
    """A drawn one; three of a camera where they are at hand."""
    yield render(Street(5, 60), FRAME, 10.0, 1.0)[0]
    paths = sorted(DRIVE.glob("*.jpg")) + sorted(DRIVE.glob("*.png"))
    for path in paths[::max(1, len(paths) // 3)][:3]:
        yield Image.open(path).convert("RGB")


def torch_logits(net, info, image):
    """Logits at the size of the frame."""
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (info.mean, info.std))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    pixels = torch.nn.functional.interpolate(
        ((pixels - mean) / std)[None], INPUT[::-1], mode="bilinear")
    with torch.no_grad():
        return torch.nn.functional.interpolate(
            net(pixels), image.size[::-1], mode="bilinear",
            align_corners=net.variant.align_corners)[0]


@unittest.skipIf(MISSING, MISSING)
class ElementTest(unittest.TestCase):
    def segmenter(self, path, precision="fp32", size=INPUT):
        segment = evaluate.Segmenter(str(path), "cpu", size, precision)
        self.addCleanup(segment.close)
        return segment

    def assert_same_mask(self, state):
        net = convert.rename(state)
        info = modelfile.ModelInfo("test", list("abcde"), [[0, 0, 0]] * 5, *INPUT)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "test.safetensors"
            modelfile.save(path, net, info, half=False)
            segment = self.segmenter(path)
            for image in frames():
                mask = segment(image)
                self.assertEqual(mask.labels, tuple("abcde"))
                expected = torch_logits(net, info, image).argmax(0).numpy()
                self.assertGreater(len(np.unique(expected)), 1)
                self.assertGreaterEqual(float((mask.array == expected).mean()), 0.999)

    def test_tramac(self):
        self.assert_same_mask(foreign.tramac()[0])

    def test_mmseg(self):
        self.assert_same_mask(foreign.mmseg()[0])

    def test_mmseg_2020(self):
        self.assert_same_mask(foreign.mmseg(2020)[0])

    def test_model_that_ships_and_its_confidence(self):
        """Softmax of the logits at the size of the frame, the chosen class's share
        of 255: within 1 on 99.9 % of the pixels, and nowhere far off. Pixels
        below the threshold are unknown."""
        path = ROOT / "models" / "fastscnn-camvid.safetensors"
        net, info = modelfile.load(path)
        segment = self.segmenter(path)
        element = segment.pipeline.get_by_name("net")
        element.set_property("confidence-map", True)
        for image in frames():
            found = segment(image)
            mask, sure = found.array, found.confidence
            logits = torch_logits(net, info, image)
            expected = torch.softmax(logits, 0).max(0).values.numpy() * 255
            self.assertGreaterEqual(
                float((mask == logits.argmax(0).numpy()).mean()), 0.999)
            self.assertLess(expected.min(), 128)
            off = np.abs(sure - expected)
            self.assertGreaterEqual(float((off <= 1).mean()), 0.999)
            self.assertLess(float(off.max()), 8)

            element.set_property("confidence-threshold", 0.6)
            mask = segment(image).array
            element.set_property("confidence-threshold", 0.0)
            wanted = np.where(expected < 0.6 * 255, 255, logits.argmax(0).numpy())
            self.assertGreater(float((wanted == 255).mean()), 0.001)
            self.assertGreaterEqual(float((mask == wanted).mean()), 0.999)

    def test_int8(self):
        """The simulation that calibrate.py uses is what the element computes."""
        path = ROOT / "models" / "fastscnn-camvid.safetensors"
        net, info = modelfile.load(path)
        simulated = Int8Network(net, info)
        segment = self.segmenter(path, "int8")
        for image in frames():
            image = image.resize(INPUT)  # frames that the element does not resize
            pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
            expected = class_map(simulated(pixels), INPUT[::-1],
                                 net.variant.align_corners)[0].numpy()
            found = segment(image).array
            self.assertGreaterEqual(float((found == expected).mean()), 0.9999)

    def test_int8_sees_as_well(self):
        """On real frames: mean IoU in 8 bits and in single precision."""
        labels = DRIVE.parent / "labels"
        if not labels.is_dir():
            self.skipTest(f"no frames in {labels}")
        path = ROOT / "models" / "fastscnn-camvid.safetensors"
        found = {"fp32": Confusion(11), "int8": Confusion(11)}
        segmenters = {precision: self.segmenter(path, precision, None)
                      for precision in found}
        for image_path, label in pairs(DRIVE, labels)[::25]:
            image, truth = read_pair(image_path, label)
            masks = {}
            for precision, segment in segmenters.items():
                masks[precision] = segment(image).array
                found[precision].add(np.array(truth), masks[precision])
            self.assertGreater(float((masks["fp32"] == masks["int8"]).mean()), 0.97)
        self.assertGreater(found["int8"].miou(), found["fp32"].miou() - 0.02)


if __name__ == "__main__":
    tap.main()
