#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/evaluate.py: its figures, its page, and what it refuses."""

import base64
import html.parser
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest  # noqa: E402

try:
    import evaluate  # first: it loads GStreamer before NumPy
    import numpy as np
    from PIL import Image
    import report
    from metrics import Confusion
    from street.view import render
    from street.world import Street
except (ImportError, ValueError) as error:
    evaluate, MISSING = None, str(error)
else:
    evaluate.Gst.init(None)
    MISSING = ("" if evaluate.Gst.ElementFactory.find("fastscnn")
               else "no element fastscnn")

SIZE = (160, 96)


class Page(html.parser.HTMLParser):
    """Tables as rows of texts, pictures, and every other text."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.pictures, self.texts, self.cell = [], [], [], False
        self.feed(text)

    def handle_endtag(self, tag):
        self.cell = self.cell and tag not in ("td", "th")

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.cell = True
        elif tag == "img":
            kind, _, data = dict(attributes)["src"].partition(";base64,")
            assert kind.startswith("data:image/"), kind
            self.pictures.append(Image.open(io.BytesIO(base64.b64decode(data))))

    def handle_data(self, data):
        self.texts.append(data)
        if self.cell:
            self.tables[-1][-1][-1] += data


@unittest.skipIf(MISSING, MISSING)
class EvaluateTest(ScriptTest):
    def setUp(self):
        super().setUp()
        self.images, self.labels = self.folder / "images", self.folder / "labels"
        for i, name in enumerate(("first_1", "first_2", "second_1")):
            image, truth = render(Street(i, 60), SIZE, 10.0, 1.0)
            self.save(name, image, truth)

    def save(self, name, image, truth):
        for folder, picture in ((self.images, image), (self.labels, truth)):
            folder.mkdir(exist_ok=True)
            picture.save(folder / f"{name}.png")

    def run_evaluate(self, *options):
        return subprocess.run(
            [sys.executable, "-B", ROOT / "models" / "evaluate.py", self.images,
             self.labels, "--backend", "cpu", *options],
            capture_output=True, text=True, timeout=120)

    def test_figures_and_page(self):
        result = self.run_evaluate("--report", self.folder / "page")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads(result.stdout)
        self.assertEqual(summary["frames"], 3)
        known = [v for v in summary["iou"].values() if v is not None]
        self.assertAlmostEqual(summary["miou"], sum(known) / len(known), places=3)
        self.assertGreater(summary["iou"]["road"], 0.5)

        page = Page((self.folder / "page" / "index.html").read_text("utf-8"))
        self.assertIn(f"Mean IoU {summary['miou']:.4f}", page.texts)
        classes, matrix = page.tables
        for label, *cells in classes[1:]:
            iou = summary["iou"][label]
            self.assertEqual(cells[0] == "", iou is None)
            self.assertAlmostEqual(float(cells[0] or 0), iou or 0, delta=0.001)
        self.assertEqual([row[0] for row in matrix[1:]], list(summary["iou"]))
        self.assertEqual(len(page.pictures), 4 * 3)
        self.assertEqual({p.size for p in page.pictures}, {(480, 288)})

    def test_some_frames_only(self):
        result = self.run_evaluate("--only", "first")
        self.assertEqual(json.loads(result.stdout)["frames"], 2)
        result = self.run_evaluate("--only", "first_2", "second")
        self.assertEqual(json.loads(result.stdout)["frames"], 2)

    def test_labels_are_groups(self):
        """Labels 0 and 1: what stands, and what is ground. A class more in `also`
        only makes the kinder figure better."""
        classes = json.loads(self.run_evaluate().stdout)["iou"]
        ground = ["road", "sidewalk"]
        for path in self.labels.iterdir():
            ids = np.array(Image.open(path))
            Image.fromarray(np.isin(ids, [list(classes).index(name) for name in ground])
                            .astype(np.uint8)).save(path)
        found = []
        for also in ([], ["car"]):
            groups = self.folder / "groups.json"
            groups.write_text(json.dumps({"group": [
                {"label": "upright", "classes": [c for c in classes if c not in ground]},
                {"label": "ground", "classes": ground, "also": also}]}))
            result = self.run_evaluate("--groups", groups)
            self.assertEqual(result.returncode, 0, result.stderr)
            found.append(json.loads(result.stdout))
        self.assertEqual(list(found[0]["iou"]), ["upright", "ground"])
        self.assertGreater(found[0]["miou"], 0.6)
        self.assertEqual(found[0]["miou"], found[0]["possible"])
        self.assertEqual(found[0]["iou"], found[1]["iou"])
        self.assertGreaterEqual(found[1]["possible"], found[0]["possible"])
        self.assert_refused("no class road", options=("--groups", self.wrong_groups()))

    def wrong_groups(self):
        path = self.folder / "wrong.json"
        path.write_text(json.dumps({"group": [{"label": "g", "classes": ["roads"]}]}))
        return path

    def assert_refused(self, *words, options=()):
        result = self.run_evaluate(*options)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"^evaluate\.py: .*\n$")
        for word in words:
            self.assertIn(word, result.stderr)

    def test_half_an_image(self):
        path = self.images / "second_1.png"
        path.write_bytes(path.read_bytes()[:2000])
        self.assert_refused("second_1.png", "truncated")

    def test_no_such_frames(self):
        self.assert_refused("third", options=("--only", "third"))

    def test_no_label(self):
        (self.labels / "second_1.png").unlink()
        self.assert_refused("second_1.png", "no label")

    def test_label_of_another_size(self):
        Image.new("L", (20, 10)).save(self.labels / "first_1.png")
        self.assert_refused("first_1.png", "20x10", "160x96")

    def test_label_of_colours(self):
        Image.new("RGB", SIZE).save(self.labels / "first_1.png")
        self.assert_refused("first_1.png", "RGB")

    def test_no_image(self):
        (self.images / "first_2.png").write_bytes(b"none")
        self.assert_refused("first_2.png", "cannot identify")

    def test_no_model(self):
        wrong = self.folder / "wrong.safetensors"
        wrong.write_bytes(b"none")
        self.assert_refused("wrong.safetensors", options=("--model", wrong))


@unittest.skipIf(MISSING, MISSING)
class ReportTest(unittest.TestCase):
    def test_page_of_counted_pixels(self):
        """Four of six pixels of the first class found, one unknown; the third
        class never seen; names that are no HTML."""
        truth = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 255]], np.uint8)
        mask = np.array([[0, 0, 0, 0, 1], [255, 1, 1, 1, 0]], np.uint8)
        found = evaluate.Evaluation()
        found.model, found.labels = "m & m", ["<road>", "car", "train"]
        found.colors = [(1, 2, 3), (200, 0, 0), (0, 200, 0)]
        found.confusion = Confusion(3)
        found.confusion.add(truth, mask)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            Image.new("RGB", (5, 2)).save(folder / "a&b.png")
            found.frames = [(0.5, folder / "a&b.png", truth, mask)]
            report.write(folder / "page", found)
            page = Page((folder / "page" / "index.html").read_text("utf-8"))
        classes, matrix = page.tables
        self.assertEqual(classes[1], ["<road>", "0.667", "", "66.7 %", "100.0 %", "66.7 %"])
        self.assertEqual(classes[2], ["car", "0.750", "", "100.0 %", "75.0 %", "33.3 %"])
        self.assertEqual(classes[3], ["train", "", "", "", "", "0.0 %"])
        self.assertEqual(matrix[0], ["", "<road>", "car", "train", "unknown"])
        self.assertEqual(matrix[1], ["<road>", "66.7", "16.7", "", "16.7"])
        self.assertEqual(matrix[3], ["train", "", "", "", ""])
        text = " ".join(page.texts)
        self.assertIn("m & m, 3 classes", text)
        self.assertRegex(text, r"a&b\.png: 0\.500; .*car instead of <road> 11\.1 %")
        # Labels and mask keep their exact colours.
        self.assertEqual(page.pictures[1].getpixel((0, 0)), (1, 2, 3))
        self.assertEqual(page.pictures[2].getpixel((479, 10)), (200, 0, 0))


if __name__ == "__main__":
    tap.main()
