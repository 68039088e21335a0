#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/modelfile.py: sets one key of a file's metadata, and nothing else."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest  # noqa: E402

try:
    import dataset
    import modelfile
    from fastscnn import Variant
    from network import FastSCNN
except ImportError:
    modelfile = None

LABELS = ["road", "traffic light"]


@unittest.skipIf(modelfile is None, "no PyTorch, NumPy or Pillow")
class ModelFileTest(ScriptTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "model.safetensors"
        net = FastSCNN(Variant(), len(LABELS), batch_norm=False)
        info = modelfile.ModelInfo("two", LABELS, [[1, 2, 3]] * 2, 64, 64,
                                   aliases={"street": "road"})
        modelfile.save(self.path, net, info)
        # A key that this version does not know.
        tensors, metadata = modelfile.read_safetensors(self.path)
        modelfile.write_safetensors(self.path, tensors, {**metadata, "later": "1"})

    def test_aliases_are_kept(self):
        self.assertEqual(modelfile.load(self.path)[1].aliases, {"street": "road"})

    def test_one_key(self):
        before = self.path.read_bytes()
        wanted = json.dumps({"lamp": "traffic light"})
        self.assertIsNone(self.run_script(modelfile, self.path, "aliases", wanted))
        tensors, metadata = modelfile.read_safetensors(self.path)
        self.assertEqual(metadata["aliases"], wanted)
        self.assertEqual(metadata["later"], "1")
        self.assertIsNone(self.run_script(
            modelfile, self.path, "aliases", json.dumps({"street": "road"})))
        self.assertEqual(self.path.read_bytes(), before)

    def test_what_fastscnn_would_refuse(self):
        before = self.path.read_bytes()
        for key, value, reason in (
                ("aliases", '{"a": "rood"}', "a stands for rood, which is not a label"),
                ("aliases", '{"Traffic-Light": "road"}', "is also a label or another alias"),
                ("aliases", '{"a b": "road", "a_b": "road"}', "is also a label or another alias"),
                ("aliases", "[]", "aliases cannot be []"),
                ("aliases", "{", "aliases cannot be {"),
                ("labels", '["road"]', "labels cannot be")):
            message = self.run_script(modelfile, self.path, key, value)
            self.assertIn(str(self.path), message)
            self.assertIn(reason, message)
            self.assertEqual(self.path.read_bytes(), before)

    def test_task_files(self):
        info = dataset.read_task(ROOT / "models/camvid.toml").info
        self.assertEqual(info.aliases["person"], "pedestrian")
        self.assertEqual(info.aliases["vegetation"], "tree")
        self.assertEqual(info.aliases["rider"], "bicyclist")
        task = self.folder / "task.toml"
        task.write_text('name = "a"\ninput = [64, 64]\n'
                        '[[class]]\nlabel = "road"\ncolor = [0, 0, 0]\n'
                        '[[class]]\nlabel = "sky"\ncolor = [0, 0, 0]\naliases = ["Road"]\n')
        with self.assertRaisesRegex(dataset.DataError, "alias Road is also a label"):
            dataset.read_task(task)


if __name__ == "__main__":
    tap.main()
