#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/convert.py: others' weights answer the same after conversion."""

import io
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest, make_images  # noqa: E402

try:
    import torch
    import calibrate
    import convert
    import modelfile
    import foreign
except ImportError:
    torch = None

TASK = {"name": "five", "input": [320, 192],
        "class": [{"label": f"class {i}", "color": [i, 2 * i, 3 * i]} for i in range(5)]}


@unittest.skipIf(torch is None, "no PyTorch, NumPy or Pillow")
class ConvertTest(ScriptTest):
    def setUp(self):
        super().setUp()
        (self.folder / "task.json").write_text(json.dumps(TASK))

    def convert(self, state, *options, **how):
        """The converter's exit status, its message, and where it writes."""
        checkpoint, output = self.folder / "in.pth", self.folder / "out.safetensors"
        if isinstance(state, bytes):
            checkpoint.write_bytes(state)
        else:
            torch.save(state, checkpoint, **how)
        return *self.run_main(checkpoint, output, *options), output

    def run_main(self, *options):
        message = self.run_script(convert, "--license", "test", "--source", "here",
                                  "--task", self.folder / "task.json", *options)
        return (0, "") if message is None else (1, message)

    def assert_same(self, state, forward, wrapped=None, **variant):
        status, message, path = self.convert(wrapped or state, "--float32")
        self.assertEqual(status, 0, message)
        net, info = modelfile.load(path)
        for name, value in variant.items():
            self.assertEqual(getattr(net.variant, name), value, name)
        self.assertEqual((info.license, info.source), ("test", "here"))
        image = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(3))
        with torch.no_grad():
            ours, theirs = net(image * 4 - 2), forward(image * 4 - 2)
        largest = float((ours - theirs).abs().max())
        self.assertLess(largest, 1e-3 * float(theirs.abs().max()))

    def test_tramac(self):
        self.assert_same(*foreign.tramac(), align_corners=True, dw_relu=True,
                         first_conv_padding=0)

    def test_mmseg(self):
        self.assert_same(*foreign.mmseg(), ppm_out_kernel=3, dw_relu=False,
                         activation="relu")

    def test_mmseg_2020(self):
        self.assert_same(*foreign.mmseg(2020), ffm_dw="pw1", activation="relu6",
                         first_conv_padding=0, dw_relu=True)

    def test_wrapped_and_prefixed(self):
        state, forward = foreign.mmseg()
        prefixed = {"module." + name: value for name, value in state.items()}
        for key in ("state_dict", "model"):
            with self.subTest(key):
                self.assert_same(state, forward, {key: prefixed, "epoch": 3})

    def test_file_of_before_2020(self):
        state, _ = foreign.tramac()
        status, message, _ = self.convert(
            state, _use_new_zipfile_serialization=False)
        self.assertEqual(status, 0, message)

    def test_calibrated(self):
        """--calibrate does the same as calibrate.py afterwards."""
        state, _ = foreign.mmseg()
        images = make_images(self.folder / "images")
        status, message, path = self.convert(state, "--calibrate", images)
        self.assertEqual(status, 0, message)
        again = self.folder / "again.safetensors"
        self.convert(state)[2].replace(again)
        self.assertIsNone(self.run_script(calibrate, again, images))
        self.assertIsNotNone(modelfile.load(again)[1].activation_scales)
        self.assertEqual(self.convert(state, "--calibrate", images)[2].read_bytes(),
                         again.read_bytes())

    def test_no_images_to_calibrate_with(self):
        self.assert_refused(foreign.tramac()[0], "nowhere: no such folder",
                            options=("--calibrate", self.folder / "nowhere"))

    def test_numbers_too_large_to_calibrate(self):
        state, _ = foreign.tramac()
        for name in ("learning_to_downsample.conv.conv.1.weight",
                     "learning_to_downsample.dsconv1.conv.1.weight"):
            state[name] = torch.full_like(state[name], 1e30)
        images = make_images(self.folder / "images")
        self.assert_refused(state, "activation_scales", "is nan",
                            options=("--float32", "--calibrate", images))

    def assert_refused(self, state, *words, options=()):
        status, message, path = self.convert(state, *options)
        self.assertNotEqual(status, 0)
        self.assertEqual(len(message.strip().splitlines()), 1, message)
        for word in words:
            self.assertIn(word, message)
        self.assertFalse(path.exists())

    def test_unknown_naming(self):
        self.assert_refused({"encoder.weight": torch.zeros(3)}, "encoder.weight")

    def test_missing_tensor(self):
        state, _ = foreign.tramac()
        del state["feature_fusion.conv_lower_res.1.running_var"]
        self.assert_refused(state, "feature_fusion.conv_lower_res.1.running_var",
                            "ffm.low")

    def test_wrong_shape(self):
        state, _ = foreign.tramac()
        state["learning_to_downsample.dsconv2.conv.3.weight"] = torch.zeros(60, 48, 1, 1)
        self.assert_refused(state, "(60, 48, 1, 1)", "(64, 48, 1, 1)", "lds.ds2.pw")

    def test_left_over_tensor(self):
        state, _ = foreign.mmseg()
        state["decode_head.convs.2.depthwise_conv.conv.weight"] = torch.zeros(1)
        self.assert_refused(state, "decode_head.convs.2")

    def test_between_generations(self):
        state, _ = foreign.mmseg()
        name = "backbone.global_feature_extractor.out.conv.weight"
        state[name] = state[name][:, :, :1, :1]
        self.assert_refused(state, "(256, 1, 1)")

    def test_wrong_number_of_labels(self):
        state, _ = foreign.tramac()
        (self.folder / "task.json").write_text(json.dumps(
            TASK | {"class": TASK["class"][:4]}))
        self.assert_refused(state, "5 classes", "4 labels")

    def test_other_variant_of_tramac(self):
        state, _ = foreign.tramac()
        name = "feature_fusion.dwconv.conv.0.weight"
        state[name] = torch.zeros(128, 128, 1, 1)
        self.assert_refused(state, name, "(128, 128, 1, 1)", "(128, 1, 3, 3)", "ffm.dw")

    def test_no_tensors(self):
        self.assert_refused({"state_dict": {}, "epoch": 3}, "holds no state dict")

    def test_no_checkpoint(self):
        self.assert_refused(b"<html>Log in first</html>", "in.pth", "not a PyTorch checkpoint")

    def test_half_a_checkpoint(self):
        file = io.BytesIO()
        torch.save(foreign.tramac()[0], file)
        self.assert_refused(file.getvalue()[:100000], "in.pth", "damaged")

    def test_no_file(self):
        self.assertIn("gone.pth", self.run_main("gone.pth", self.folder / "out")[1])

    def test_code_in_a_pickle_does_not_run(self):
        witness = self.folder / "witness"

        class Evil:
            def __reduce__(self):
                return pathlib.Path.touch, (witness,)

        self.assert_refused({"state_dict": Evil()}, "more than tensors")
        self.assertFalse(witness.exists())


if __name__ == "__main__":
    tap.main()
