#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Labels that stand for groups of classes, and a teacher: models/teach.py."""

import contextlib
import dataclasses
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
from script import ScriptTest  # noqa: E402

try:
    import numpy as np
    from PIL import Image
    import torch
    import dataset
    import labels
    import learner
    import metrics
    import teach
    import teacher
    import train
    from imagefiles import DataError
except ImportError:
    dataset = None

NAMES = ("left", "right", "other")
TASK = {"name": "three", "input": [64, 64], "ignore": [9],
        "class": [{"label": name, "color": [0, 0, 0]} for name in NAMES]}
GROUPS = {"ignore": [255], "group": [
    {"label": "side", "classes": ["left", "right"]},
    {"label": "no left", "classes": ["other"], "also": ["right"]}]}


def write(path, value):
    path.write_text(json.dumps(value))
    return path


class Constant(torch.nn.Module if dataset else object):
    """Finds the same everywhere: the shares of the classes are its weights."""

    aux_channels, align_corners = (), False

    def __init__(self, classes):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(classes))

    def forward_all(self, images):
        return (self.logits.view(1, -1, 1, 1).expand(len(images), -1, 2, 2),)


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class GroupLossTest(ScriptTest):
    """The most likely result can be computed by hand."""

    def setUp(self):
        super().setUp()
        self.task = dataset.read_task(write(self.folder / "task.json", TASK))

    def learnt(self, counts, soft=None, own=None, also_weight=1.0):
        """The shares that a constant network learns of so many pixels of each
        label; `own` are those of its classes that weigh 1."""
        members = tuple(counts)
        groups = labels.Labels((), members, own or members, (), also_weight)
        task = self.task.with_groups([groups])
        pixels = torch.cat([torch.full((count,), task.target(target))
                            for target, count in zip(groups.targets, counts.values())])
        net = learner.Learner(Constant(task.classes), task, [1.0] * task.targets,
                              soft=0 if soft is None else 1)
        step = torch.optim.LBFGS(net.parameters(), max_iter=100,
                                 line_search_fn="strong_wolfe")

        def loss():
            step.zero_grad()
            value = net(torch.zeros(1, 3, 8, 8), pixels.view(1, 1, -1), soft)
            value.backward()
            return value

        step.step(loss)
        return net.net.logits.detach().softmax(0)

    def assert_shares(self, found, expected):
        for ours, theirs in zip(found.tolist(), expected):
            self.assertAlmostEqual(ours, theirs, places=3)

    def test_classes_alone(self):
        self.assert_shares(self.learnt({(0,): 5, (1,): 3, (2,): 2}), (0.5, 0.3, 0.2))

    def test_a_group_is_shared_as_its_classes_are(self):
        """20 pixels are left or right, and 4 more say how often which."""
        found = self.learnt({(0,): 3, (1,): 1, (0, 1): 20, (2,): 6})
        self.assert_shares(found, (0.6, 0.2, 0.2))

    def test_two_groups_with_a_class_in_common(self):
        """Everything is in both groups only if it is the class they share."""
        found = self.learnt({(0, 1): 5, (1, 2): 5})
        self.assert_shares(found, (0, 1, 0))

    def test_any_class_teaches_nothing(self):
        found = self.learnt({(0,): 1, (1,): 2, (2,): 1, (0, 1, 2): 50})
        self.assert_shares(found, (0.25, 0.5, 0.25))

    def test_less_likely_class_of_a_group(self):
        """2 / p - 4 / (1 - p) + 3 * 0.8 / (p + 0.2 (1 - p)) is 0 at p = 0.5."""
        found = self.learnt({(0,): 2, (1,): 4, (0, 1): 3},
                            own=((0,), (1,), (0,)), also_weight=0.2)
        self.assert_shares(found, (0.5, 0.5, 0))

    def test_teacher_and_labels(self):
        """Both losses weigh the same, each is of shares: the mean is best."""
        soft = torch.tensor([0.1, 0.1, 0.8]).view(1, 3, 1, 1).repeat(1, 1, 2, 2)
        found = self.learnt({(0,): 5, (1,): 5}, soft=soft)
        self.assert_shares(found, (0.3, 0.3, 0.4))
        # Without a teacher's probabilities, labels decide.
        found = self.learnt({(0,): 4, (1,): 4, (2,): 2}, soft=0 * soft)
        self.assert_shares(found, (0.4, 0.4, 0.2))


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class LabelsTest(ScriptTest):
    def read(self, change):
        path = write(self.folder / "groups.json", change)
        return labels.read_labels(path, NAMES)

    def test_groups(self):
        found = self.read(GROUPS)
        self.assertEqual(found.names, ("side", "no left"))
        self.assertEqual(found.members, ((0, 1), (1, 2)))
        self.assertEqual(found.own, ((0, 1), (2,)))
        self.assertEqual(found.home(3), [0, 0, 1])

    def test_classes_in_another_order(self):
        order = [{"label": "other"}, {"label": "left"}]
        found = self.read({"class": order, "ignore": [7]})
        self.assertEqual(found.members, ((2,), (0,)))
        self.assertEqual(found.home(3), [1, metrics.UNKNOWN, 0])

    def test_wrong_files(self):
        group = GROUPS["group"]
        for groups, words in (
                (group[:1], "other stands in `classes` of 0 groups"),
                (group + [{"label": "x", "classes": ["left"]}], "left .* 2 groups"),
                (group + [{"label": "x"}], "the group x has no classes"),
                (group + [{"label": "x", "classes": ["up"]}], "no class up"),
                ([{"classes": ["left"]}], "no task file .*label"),
                (["left"], "no task file")):
            with self.subTest(words), self.assertRaisesRegex(DataError, words):
                self.read({"group": groups})
        for weight in (0, -1, 1.5, "much"):
            with self.subTest(weight), \
                    self.assertRaisesRegex(DataError, f"also_weight is {weight}, must"):
                self.read(GROUPS | {"also_weight": weight})

    def test_shipped_groups(self):
        task = dataset.read_task(ROOT / "models" / "camvid.toml")
        found = labels.read_labels(ROOT / "models" / "idd-lite.toml", task.info.labels)
        self.assertEqual(len(found.names), 7)
        self.assertEqual({c for own in found.own for c in own}, set(range(11)))

    def test_groups_are_measured(self):
        confusion = metrics.GroupConfusion(self.read(GROUPS), 3)
        truth = np.array([0, 0, 0, 1, 1, 1, 255], np.uint8)
        found = np.array([0, 1, 2, 2, 1, 255, 0], np.uint8)
        confusion.add(truth, found)
        # `right` on the fifth is found as its own group, on which it is wrong.
        self.assertAlmostEqual(confusion.iou()[0], 2 / 4)
        self.assertAlmostEqual(confusion.iou()[1], 1 / 4)
        self.assertAlmostEqual(confusion.possible.iou()[0], 2 / 3)
        self.assertAlmostEqual(confusion.possible.iou()[1], 2 / 4)


def encoder_state(encoder):
    """Random weights with the names that the packages use."""
    state = {}

    def add(conv, norm, module):
        state[conv + ".weight"] = torch.randn_like(module.weight) * 0.2
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{name}"] = 0.5 + torch.rand(len(module.scale))

    add("_conv_stem", "_bn0", encoder.stem)
    blocks = [block for stage in encoder.stages for block in stage]
    for i, block in enumerate(blocks):
        convs = [("_expand_conv", block.expand)] if block.expand else []
        convs += [("_depthwise_conv", block.depthwise), ("_project_conv", block.project)]
        for k, (name, module) in enumerate(convs, 0 if block.expand else 1):
            add(f"_blocks.{i}.{name}", f"_blocks.{i}._bn{k}", module)
    return state


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class TeacherTest(ScriptTest):
    def test_fixed_norm_is_batch_norm(self):
        """With TensorFlow's padding: of an even size, at the right and below."""
        torch.manual_seed(2)
        conv = teacher.FixedNormConv(4, 6, 5, 2)
        norm = torch.nn.BatchNorm2d(6, eps=teacher.EPSILON).eval()
        state = {"conv.weight": torch.randn(6, 4, 5, 5)}
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"norm.{name}"] = getattr(norm, name).detach().uniform_(0.5, 2)
        conv.load(state, "conv", "norm")
        for size, pads in ((16, (1, 2)), (15, (2, 2))):
            image = torch.randn(2, 4, size, size)
            expected = norm(torch.nn.functional.conv2d(
                torch.nn.functional.pad(image, pads * 2), state["conv.weight"], stride=2))
            torch.testing.assert_close(conv(image), expected.clamp(0, 6))

    def test_learning_computes_the_same(self):
        """A depthwise convolution has another implementation for gradients."""
        torch.manual_seed(4)
        conv = teacher.FixedNormConv(4, 4, 5, 2, groups=4)
        for size in (15, 16):
            image = torch.rand(2, 4, size, size)
            torch.testing.assert_close(conv(image.clone().requires_grad_()),
                                       conv(image))

    def test_encoders_have_the_published_shapes(self):
        for name, channels, blocks in (("lite0", [24, 40, 112, 320], 16),
                                       ("lite2", [24, 48, 120, 352], 21)):
            encoder = teacher.Encoder(name)
            self.assertEqual(encoder.channels, channels)
            self.assertEqual(sum(map(len, encoder.stages)), blocks)
        sizes = [tuple(x.shape[2:]) for x in encoder(torch.zeros(1, 3, 70, 96))]
        self.assertEqual(sizes, [(18, 24), (9, 12), (5, 6), (3, 3)])

    def test_what_learns_nothing(self):
        net = teacher.Teacher("lite0", 3)
        net.encoder.freeze(teach.FROZEN_STAGES)
        frozen = {name for name, p in net.named_parameters() if not p.requires_grad}
        self.assertIn("encoder.stages.0.0.project.weight", frozen)
        self.assertIn("encoder.stages.5.0.depthwise.weight", frozen)
        self.assertNotIn("encoder.stages.5.0.project.weight", frozen)
        self.assertFalse(any(not name.startswith("encoder.") for name in frozen))

    def test_mirrored_images_are_seen_the_same(self):
        torch.manual_seed(3)
        net = teacher.Teacher("lite0", 3).eval()
        image = torch.randint(256, (3, 48, 64), dtype=torch.uint8)
        seen, mirrored = (teach.probabilities(net, x, (48, 64), (64, 96))
                          for x in (image, image.flip(2)))
        torch.testing.assert_close(seen, mirrored.flip(2), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(seen.sum(0), torch.ones(48, 64))

    def test_probabilities_are_limited_to_the_label(self):
        task = dataset.read_task(write(self.folder / "task.json", TASK))
        groups = labels.read_labels(write(self.folder / "g.json", GROUPS), NAMES)
        shares = torch.tensor([0.2, 0.3, 0.5]).view(3, 1, 1).repeat(1, 1, 4)
        shares[:, 0, 3] = torch.tensor([0.999, 0.0005, 0.0005])
        label = torch.tensor([[0, 1, 255, 1]], dtype=torch.uint8)
        found = teach.limited(shares, label, task, groups)[:, 0].T.tolist()
        for ours, theirs in zip(found, ((0.4, 0.6, 0), (0, 0.375, 0.625),
                                        (0.2, 0.3, 0.5), (0, 0, 0))):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
        groups = dataclasses.replace(groups, also_weight=0.2)
        found = teach.limited(shares, label, task, groups)[:, 0, 1].tolist()
        np.testing.assert_allclose(found, (0, 0.06 / 0.56, 0.5 / 0.56), atol=1e-6)


@unittest.skipIf(dataset is None, "no PyTorch, NumPy or Pillow")
class LessonTest(ScriptTest):
    """From folders to a teacher, and on to what it teaches."""

    def setUp(self):
        super().setUp()
        self.task = write(self.folder / "task.json", TASK)
        self.groups = write(self.folder / "groups.json", GROUPS)
        self.make_frames("known", (0, 1, 2))
        self.make_frames("grouped", (0, 0, 1), (36, 48))

    def make_frames(self, name, values, size=(48, 64)):
        random = np.random.default_rng(6)
        for part in ("images", "labels"):
            (self.folder / name / part).mkdir(parents=True)
        for i in range(4):
            columns = np.repeat(values, -(-size[1] // 3))[:size[1]]
            label = np.tile(columns, (size[0], 1)).astype(np.uint8)
            image = random.integers(0, 60, (*size, 3)) + 90 * label[..., None]
            for part, pixels in (("images", image), ("labels", label)):
                Image.fromarray(pixels.astype(np.uint8)).save(
                    self.folder / name / part / f"{name}{i}.png")

    def run_and_read(self, script, *options):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertIsNone(self.run_script(script, *options))
        return said.getvalue()

    def test_lesson(self):
        state = encoder_state(teacher.Encoder("lite0"))
        grouped = f"{self.folder / 'grouped'}:{self.groups}"
        known, best = self.folder / "known", self.folder / "out" / "best.pt"
        options = ("--task", self.task, "--data", f"{grouped}:0.5", "--device", "cpu",
                   "--epochs", "2", "--batch", "4", "--crop", "64", "64")
        with mock.patch("teach.pretrained", return_value=state):
            output = self.run_and_read(teach, "train", known, *options, "--val", known,
                                       grouped, "--out", self.folder / "out")
        # Two folders, each by labels of its own
        self.assertRegex(output, r"mIoU [0-9.]+ \(left [^)]* other [0-9.]+\)")
        self.assertRegex(output, r"mIoU [0-9.]+ \(side [^)]* no left [0-9.]+\)")
        self.assertEqual(self.frames_measured(best, f"{known}::known"), 4)
        self.assertEqual(self.frames_measured(best, f"{known}::known1"), 1)

        found = json.loads(self.run_and_read(
            teach, "measure", best, grouped, "--task", self.task, "--widths", "64",
            "--device", "cpu"))
        self.assertEqual(list(found["iou"]), ["side", "no left"])
        soft = self.folder / "soft"
        for folder in (known, grouped):
            self.run_and_read(teach, "label", best, folder, "--task", self.task,
                              "--widths", "64", "--device", "cpu", "--out", soft)
        taught = np.load(soft / "grouped0.npy")
        self.assertEqual((taught.shape, taught.dtype), ((3, 18, 24), np.uint8))
        self.assertEqual(taught[2, :, :12].max(), 0)  # side: left or right
        # If labels are classes, probabilities are not limited to them.
        taught = np.load(soft / "known0.npy")
        self.assertGreater(taught[2, :, :10].max(), 0)
        self.run_and_read(train, known, *options, "--soft", soft, "--out",
                          self.folder / "student")
        self.assertTrue((self.folder / "student" / "best.safetensors").exists())

    def frames_measured(self, best, folder):
        return json.loads(self.run_and_read(
            teach, "measure", best, folder, "--task", self.task, "--widths", "64",
            "--device", "cpu"))["frames"]

    def test_wrong_shares_and_files(self):
        options = ("known", "--task", "t", "--out", "o", "--data")
        for wrong in ("a:b:1.5", "a:b", "a:b:x"):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.run_script(train, *options, wrong)
            self.assertIn("--data", said.getvalue())
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.run_script(train, *options[:-1], "--val", "a:b:c:d")
        self.assertIn("--val", said.getvalue())
        said = self.run_script(
            train, self.folder / "known", "--task", self.task, "--out", self.folder,
            "--batch", "2", "--data", f"{self.folder / 'grouped'}:{self.groups}:0.8")
        self.assertRegex(said, r"^train\.py: --data: .* leave nothing")
        path = self.folder / "best.pt"
        path.write_bytes(b"nothing")
        said = self.run_script(teach, "measure", path, "x", "--task", self.task)
        self.assertRegex(said, r"^teach\.py: .*best\.pt: not a teacher")


if __name__ == "__main__":
    tap.main()
