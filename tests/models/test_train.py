#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/train.py: goes on where it was killed, and says what is wrong."""

import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest, make_images  # noqa: E402

try:
    import numpy as np
    from PIL import Image
    import torch
    import dataset
    import fastscnn
    import learner
    import metrics
    import modelfile
    import train
    from network import FastSCNN, class_map
    from strided import strided_depthwise
    from street.view import render
    from street.world import Street
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
class TrainTest(ScriptTest):
    def setUp(self):
        super().setUp()
        (self.folder / "task.json").write_text(json.dumps(TASK))
        self.data = self.folder / "data"
        make_frames(self.data, 4)

    def run_to_end(self, out, *options):
        """(what it printed, what it said where it failed)."""
        process = self.start(out, *options)
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode != 0, bool(errors), errors)
        return output, errors

    def start(self, out, *options):
        return subprocess.Popen(
            [sys.executable, "-B", ROOT / "models" / "train.py", self.data,
             "--task", self.folder / "task.json", "--val", self.data, "--out", out,
             "--epochs", "4", "--val-every", "2", "--batch", "2", "--crop", "64", "64",
             "--device", "cpu", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def test_killed_and_resumed_is_as_uninterrupted(self):
        whole, broken = self.folder / "whole", self.folder / "broken"
        output, _ = self.run_to_end(whole, "--lovasz", "0.5")
        # Every other epoch of four, and the remaining time after each
        self.assertEqual(re.findall(r"epoch (\d) val mIoU", output), ["2", "4"])
        self.assertEqual(re.findall(r"epoch (\d) loss .* left \d+:\d\d", output),
                         list("1234"))

        process = self.start(broken, "--lovasz", "0.5")
        for line in process.stdout:
            if line.startswith("epoch 3 loss"):
                process.kill()
        process.communicate()
        self.assertLess(process.returncode, 0)
        output, _ = self.run_to_end(broken, "--lovasz", "0.5", "--resume")
        self.assertIn("resumed at epoch", output)
        name = "best.safetensors"
        self.assertEqual((whole / name).read_bytes(), (broken / name).read_bytes())
        self.assertIsNotNone(modelfile.load(whole / name)[1].activation_scales)

    def test_lovasz_is_the_iou_of_what_is_certain(self):
        torch.manual_seed(3)
        found, labels = torch.randint(4, (2, 2, 30, 40))
        labels[0, :5] = dataset.IGNORE
        labels[labels == 3] = 2  # found, but nowhere: 3 does not count
        confusion = metrics.Confusion(4)
        confusion.add(labels.numpy(), found.numpy())
        logits = 200.0 * torch.nn.functional.one_hot(found, 4).permute(0, 3, 1, 2)
        with mock.patch("learner.LOVASZ_STRIDE", 1):
            loss = learner.lovasz_softmax(logits, labels).item()
        self.assertAlmostEqual(loss, 1 - np.mean(confusion.iou()[:3]), places=5)

        labels[:] = dataset.IGNORE
        self.assertEqual(learner.lovasz_softmax(logits, labels).item(), 0)

    def test_classes_stay_where_they_are_seen(self):
        """Cut out, scaled, mirrored: a frame of grey squares, each of its own
        class, and around it the mean colour and no class."""
        info = dataset.read_task(self.folder / "task.json").info
        classes = torch.arange(12).view(3, 4)
        label = classes.repeat_interleave(16, 0).repeat_interleave(16, 1).byte()
        image = (20 * label)[None].expand(3, -1, -1)
        soft = (255 * torch.nn.functional.one_hot(classes, 12)).permute(2, 0, 1)
        soft = soft.repeat_interleave(8, 1).repeat_interleave(8, 2).byte()
        augmentation = dataset.Augmentation((64, 96), (0.7, 3.0), info)
        rng = np.random.default_rng(4)
        ignored = []
        for _ in range(20):
            view = augmentation.choose(label.shape, {}, rng)
            view.light = (1,) * 6
            (seen,), (found,), (taught,) = augmentation.apply(
                [(image, label, soft)], [view])
            grey = (seen * augmentation.std + augmentation.mean)[0] * 255
            # A pixel of the labels is the middle of four of the image.
            middle = torch.nn.functional.avg_pool2d(grey[None], 2)[0]
            known = found != dataset.IGNORE
            ignored.append((~known).float().mean().item())
            # Between two squares both are seen.
            near = (middle / 20 - found).abs()[known] < 0.5
            self.assertGreater(near.float().mean().item(), 0.6)
            self.assertEqual(taught.shape, (12, 16, 24))
            # One of its pixels is four of the labels.
            blocks = found.reshape(16, 2, 24, 2).transpose(1, 2).flatten(2)
            whole = (blocks == blocks[..., :1]).all(2) & (
                blocks[..., 0] != dataset.IGNORE)
            agree = taught.argmax(0)[whole] == blocks[whole][:, 0]
            self.assertGreater(agree.float().mean().item(), 0.95)
            x, y = (int(at) for at in view.center)
            if 0 <= x < 64 and 0 <= y < 48:
                self.assertIn(label[y, x], found[15:17, 23:25])
            left, right = found[16, 20], found[16, 28]
            if dataset.IGNORE not in (left, right) and left != right:
                self.assertEqual(bool(left > right), view.mirrored)
        self.assertEqual(min(ignored), 0)
        self.assertGreater(max(ignored), 0.3)

    def test_half_precision_learns_the_same(self):
        """From a trained model: with random weights the toy is chaotic, and an
        error of 1e-6 in the activations moves the loss after four steps by 10 %
        in fp32 alone."""
        exact, half = self.trainer(), self.trainer("--bf16")
        losses = [trainer.loss() for trainer in (exact, half)]
        self.assertNotEqual(*losses)  # otherwise --bf16 does nothing
        self.assertAlmostEqual(losses[0].item(), losses[1].item(),
                               delta=0.03 * losses[0].item())
        similarity = torch.nn.functional.cosine_similarity(
            *(self.gradient(trainer, loss)
              for trainer, loss in zip((exact, half), losses)), dim=0)
        self.assertGreater(similarity.item(), 0.9)

        later = [half.step().item() for _ in range(8)][4:]
        self.assertLess(np.mean(later), 0.7 * losses[1].item())

    def test_frames_are_stretched_as_by_the_element(self):
        wide = self.folder / "wide"
        for name in ("images", "labels"):
            (wide / name).mkdir(parents=True)
            for path in (self.data / name).iterdir():
                Image.open(path).resize((96, 24), Image.Resampling.NEAREST).save(
                    wide / name / path.name)
        task = dataset.read_task(self.folder / "task.json")
        batches = train.Batches(
            [dataset.Frames(folder, task) for folder in (self.data, wide)], [0.5],
            dataset.Augmentation((64, 64), (1.0, 1.0), task.info), task.targets, 1, 2)
        _, labels, _ = batches[0]
        shown = (labels != dataset.IGNORE).float().mean((1, 2))
        self.assertEqual(shown.tolist(), [48 / 64, 48 / 64])

    def trainer(self, *options):
        """Begins at the model that ships, in this process."""
        with mock.patch("sys.argv", [
                "train.py", str(self.data), "--task", str(self.folder / "task.json"),
                "--out", str(self.folder / "out"), "--batch", "2", "--crop", "64",
                "64", "--epochs", "8", "--device", "cpu", *options]):
            args = train.parse_args()
        model, info = modelfile.load(ROOT / "models" / "fastscnn-camvid.safetensors")
        task = dataset.read_task(args.task).on(model.variant, info)
        frames = dataset.Frames(args.frames, task)
        with contextlib.redirect_stdout(io.StringIO()):
            return train.Trainer(args, task, [frames], [], (model, info))

    def gradient(self, trainer, loss):
        loss.backward()
        return torch.cat([p.grad.flatten() for p in trainer.learner.parameters()])

    def test_resume_from_something_else(self):
        out = self.folder / "out"
        out.mkdir()
        for content in (b"no checkpoint", b""):
            (out / "checkpoint.pt").write_bytes(content)
            _, errors = self.run_to_end(out, "--resume")
            self.assertRegex(errors, r"^train\.py: .*checkpoint\.pt: damaged, or .*\n$")

    def test_begun_from_a_model_learns_sooner(self):
        output, _ = self.run_to_end(self.folder / "first", "--epochs", "8")
        before = float(re.search(r"epoch 1 loss (\S+)", output)[1])
        output, _ = self.run_to_end(self.folder / "second", "--epochs", "1", "--init",
                                    self.folder / "first" / "best.safetensors",
                                    "--calibrate", make_images(self.folder / "seen"))
        self.assertIn("scales from 2 images", output)
        self.assertIn("started from two; new classes: none", output)
        after = float(re.search(r"epoch 1 loss (\S+)", output)[1])
        self.assertLess(after, 0.8 * before)
        _, info = modelfile.load(self.folder / "second" / "best.safetensors")
        self.assertIn("begun from two", info.source)

    def test_no_images_to_calibrate_with(self):
        output, errors = self.run_to_end(self.folder / "out", "--calibrate",
                                         self.folder / "nowhere")
        self.assertRegex(errors, r"^train\.py: .*nowhere: no such folder\n$")
        self.assertNotIn("epoch", output)

    def test_begun_from_no_model(self):
        wrong = self.folder / "wrong.safetensors"
        model = (ROOT / "models" / "fastscnn-camvid.safetensors").read_bytes()
        for content in (b"", b"\x08" + bytes(7) + b"{\"a\":{}}", model[:len(model) // 2]):
            wrong.write_bytes(content)
            with self.subTest(content[:20]), \
                    self.assertRaises(modelfile.ModelFileError) as caught:
                modelfile.load(wrong)
            self.assertRegex(str(caught.exception), r"wrong\.safetensors: no model file")
        _, errors = self.run_to_end(self.folder / "out", "--init", wrong)
        self.assertRegex(errors, r"^train\.py: .*wrong\.safetensors: no model.*\n$")

    def test_without_a_drive(self):
        task = dataset.read_task(self.folder / "task.json")
        frames = dataset.Frames(self.data, task, ("1", "3"))
        self.assertEqual(frames.names, ["0", "2"])
        self.assert_refused("no name begins with 9", without=("0", "9"))
        self.assert_refused("no image is left", without=("0", "1", "2", "3"))
        # Broken frames of a drive that is left out do not matter.
        (self.data / "labels" / "1.png").unlink()
        output, _ = self.run_to_end(self.folder / "out", "--epochs", "1",
                                    "--val", self.make_val(), "--without", "1")
        self.assertIn("val mIoU", output)
        self.assertIn("scales from 3 images", output)

    def make_val(self):
        make_frames(self.folder / "val", 1)
        return self.folder / "val"

    def test_options_that_make_no_sense(self):
        for options in (("--batch", "1"), ("--crop", "60", "64"), ("--epochs", "0"),
                        ("--scale", "2", "1"), ("--device", "abacus"),
                        ("--val-every", "0"), ("--minutes", "0")):
            with self.subTest(options), mock.patch(
                    "sys.argv", ["train.py", "data", "--task", "t", "--out", "o",
                                 *options]), \
                    contextlib.redirect_stderr(io.StringIO()) as said, \
                    self.assertRaises(SystemExit):
                train.parse_args()
            self.assertIn(f"error: {options[0]}: ", said.getvalue())

    def assert_refused(self, *words, without=()):
        with self.assertRaises(dataset.DataError) as caught:
            task = dataset.read_task(self.folder / "task.json")
            dataset.Frames(self.data, task, without)
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

    def test_label_that_is_no_picture(self):
        path = self.data / "labels" / "0.png"
        path.write_bytes(b"P")
        self.assert_refused("0.png", "cannot identify")

    def test_half_an_image(self):
        path = self.data / "images" / "3.png"
        path.write_bytes(path.read_bytes()[:2000])
        self.assert_refused("3.png", "truncated")

    def test_nothing_to_learn(self):
        for path in (self.data / "labels").iterdir():
            Image.new("L", (64, 48), 9).save(path)
        self.assert_refused("labels", "all are ignored")

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

    def test_wrong_task(self):
        for change, *words in (
                ({"class": TASK["class"][:1]}, "1 classes"),
                ({"class": [{"label": "dark"}]}, "color"),
                ({"class": [{"label": "dark", "color": [0, 0, 300]}] * 2}, "300"),
                ({"input": [64]}, "height"),
                ({"variant": {"ffm_dw": "dw5"}}, "ffm_dw is dw5"),
                ({"variant": {"depth": 5}}, "depth")):
            with self.subTest(change):
                (self.folder / "task.json").write_text(json.dumps(TASK | change))
                self.assert_refused("task.json", *words)
        (self.folder / "task.json").write_text("{")
        self.assert_refused("task.json")

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


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class StartFromTest(unittest.TestCase):
    """learner.start_from with the model that ships."""

    def setUp(self):
        self.model, self.info = modelfile.load(
            ROOT / "models" / "fastscnn-camvid.safetensors")
        torch.manual_seed(1)

    def frame(self, seed):
        picture, _ = render(Street(seed, 60), (256, 192), 10.0, 1.0)
        mean, std = (torch.tensor(v).reshape(3, 1, 1)
                     for v in (self.info.mean, self.info.std))
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
        return ((pixels - mean) / std)[None]

    def start(self, rows):
        net = FastSCNN(self.model.variant, len(rows))
        fresh = net.cls.conv.conv.weight.clone()
        learner.start_from(net, self.model, rows, torch.cat(
            [self.frame(seed) for seed in (1, 2)]))
        return net, fresh

    def test_computes_the_same(self):
        """On frames that its batch norm was not set by; what is left is rounding,
        which decides where two classes are as likely."""
        classes = len(self.info.labels)
        net, _ = self.start(list(range(classes)))
        with torch.no_grad():
            frame = self.frame(3)
            ours, theirs = net(frame), self.model(frame)
        self.assertLess(float((ours - theirs).abs().max()),
                        1e-4 * float(theirs.abs().max()))
        masks = [class_map(logits, (192, 256), False) for logits in (ours, theirs)]
        self.assertGreater(len(masks[0].unique()), 3)
        self.assertGreaterEqual(float((masks[0] == masks[1]).float().mean()), 0.9999)

    def test_classes_of_its_own(self):
        net, fresh = self.start([4, None, 0])
        ours, theirs = net.cls.conv.conv, self.model.cls.conv.conv
        self.assertTrue(torch.equal(ours.weight[0], theirs.weight[4]))
        self.assertTrue(torch.equal(ours.weight[1], fresh[1]))
        self.assertTrue(torch.equal(ours.bias[2], theirs.bias[0]))

    def test_batch_norm_is_as_in_training(self):
        """Training and evaluation agree on the frames that set the statistics."""
        net, _ = self.start([0, 1, 2])
        frames = torch.cat([self.frame(seed) for seed in (1, 2)])
        with torch.no_grad():
            evaluated, trained = net(frames), net.train()(frames)
        self.assertLess(float((evaluated - trained).abs().max()),
                        1e-2 * float(evaluated.abs().max()))


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class DeadChannelTest(unittest.TestCase):
    """learner.without_dead_channels"""

    def test_model_can_be_written(self):
        net = FastSCNN(fastscnn.Variant(), 2).eval()
        info = modelfile.ModelInfo("two", ["a", "b"], [[0, 0, 0], [1, 1, 1]], 64, 64)
        layer = net.layer("gfe.b3.2.dw")
        layer.bn.running_var[5] = 1e-6
        layer.bn.bias.data[5] = 0.25
        layer.conv.weight.data[5] = 3e4
        with self.assertRaisesRegex(ValueError, "not finite as float16"):
            modelfile.fold(net, info)
        found = learner.without_dead_channels(net)
        modelfile.fold(found, info)
        self.assertEqual(layer.bn.weight[5], 1)  # the network itself is unchanged
        layer = found.layer("gfe.b3.2.dw")
        with torch.no_grad():
            output = layer(torch.randn(1, 768, 6, 6))[0]
        self.assertTrue(torch.equal(output[5], torch.full((6, 6), 0.25)))
        self.assertGreater(len(output[4].unique()), 10)


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class StridedDepthwiseTest(unittest.TestCase):
    """strided_depthwise against PyTorch's own gradient, in double precision."""

    def check(self, size, kernel, padding, with_bias, stride=2):
        torch.manual_seed(4)
        x = torch.randn(2, 6, *size, dtype=torch.double, requires_grad=True)
        weight = torch.randn(6, 1, kernel, kernel, dtype=torch.double,
                             requires_grad=True)
        bias = (torch.randn(6, dtype=torch.double, requires_grad=True)
                if with_bias else None)
        variables = [x, weight, bias] if with_bias else [x, weight]
        own = torch.nn.functional.conv2d(x, weight, bias, stride, padding, groups=6)
        ours = strided_depthwise(x, weight, bias, stride, padding)
        self.assertIn("StridedDepthwise", ours.grad_fn.name())
        gradient = torch.randn(own.shape, dtype=torch.double)
        for wanted, found in ((own, ours), *zip(
                torch.autograd.grad(own, variables, gradient),
                torch.autograd.grad(ours, variables, gradient))):
            torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)

    def test_as_in_the_network(self):
        self.check((12, 16), 3, 1, with_bias=False)

    def test_odd_sizes(self):
        self.check((11, 13), 3, 1, with_bias=True)
        self.check((10, 9), 5, 0, with_bias=True, stride=3)

    def test_what_learns_nothing(self):
        """The depthwise weights of a teacher are frozen."""
        x = torch.randn(1, 4, 8, 8, requires_grad=True)
        weight, bias = torch.randn(4, 1, 3, 3), torch.randn(4, requires_grad=True)
        strided_depthwise(x, weight, bias, 2, 1).sum().backward()
        self.assertIsNone(weight.grad)
        torch.testing.assert_close(bias.grad, torch.full((4,), 16.0))


if __name__ == "__main__":
    tap.main()
