#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares what classmaskjson writes about hand-made masks with NumPy, and validates
every line against the schema."""

import datetime
import json
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstClassMask", "1.0")
    from gi.repository import GLib, Gst, GstApp, GstClassMask, GstVideo
    import jsonschema
    import numpy
except (ImportError, ValueError) as error:
    tap.skip_all(error)

WIDTH, HEIGHT = 64, 48
MILLISECOND = 1_000_000


def decode_rle(counts, height, width):
    """Decodes COCO's compressed run lengths, independently of the encoder."""
    runs = []
    value = shift = 0
    for character in counts:
        group = ord(character) - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    flat = numpy.repeat(numpy.arange(len(runs)) % 2, runs)
    return flat.reshape(width, height).T.astype(bool)


def flood(mask):
    """Bounding boxes and areas of the 8-connected parts of a boolean mask."""
    todo = {(int(y), int(x)) for y, x in zip(*numpy.nonzero(mask))}
    regions = []
    while todo:
        stack = [todo.pop()]
        part = []
        while stack:
            y, x = stack.pop()
            part.append((y, x))
            near = {(y + j, x + i) for j in (-1, 0, 1) for i in (-1, 0, 1)}
            stack.extend(near & todo)
            todo -= near
        ys, xs = zip(*part)
        regions.append((min(xs), min(ys), max(xs) - min(xs) + 1,
                        max(ys) - min(ys) + 1, len(part)))
    return sorted(regions)


def scribble(rng, height, width, classes):
    """Rectangles of random classes, some of them unknown (255)."""
    ids = numpy.zeros((height, width), numpy.uint8)
    for _ in range(30):
        y, x = rng.integers(height), rng.integers(width)
        h, w = rng.integers(1, 12), rng.integers(1, 12)
        id = rng.integers(classes + 1)
        ids[y:y + h, x:x + w] = 255 if id == classes else id
    return ids


class Json(unittest.TestCase):
    LABELS = ["road", 'a "quoted" \\ name', "tab\tand \N{GREEK SMALL LETTER PI}"]

    @classmethod
    def setUpClass(cls):
        Gst.init(None)
        schema = ROOT / "gst/masks/classmaskjson.schema.json"
        cls.schema = json.loads(schema.read_text())
        jsonschema.Draft202012Validator.check_schema(cls.schema)

    def frame(self, ids, number=0, source=None, frame=None):
        frame = frame or Gst.Buffer.new()
        frame.pts = number * 40 * MILLISECOND
        mask = Gst.Buffer.new_wrapped(ids.tobytes())
        height, width = ids.shape
        GstVideo.buffer_add_video_meta_full(
            mask, GstVideo.VideoFrameFlags.NONE, GstVideo.VideoFormat.GRAY8,
            width, height, 1, [0, 0, 0, 0], [width, 0, 0, 0])
        classes = GstClassMask.Classes.new(
            "hand-made", self.LABELS, [0xff0000, 0xff00, 0xff])
        meta = GstClassMask.buffer_add_class_mask_meta(
            frame, mask, classes, -3, 5, WIDTH, HEIGHT)
        self.assertIsNotNone(meta)
        return frame

    def run_frames(self, frames, properties=""):
        """The lines that the element writes about the frames, validated."""
        pipeline = Gst.parse_launch(
            "appsrc name=src format=time caps=video/x-raw,format=GRAY8,"
            f"width={WIDTH},height={HEIGHT},framerate=25/1 "
            f"! classmaskjson {properties} ! appsink name=sink sync=false")
        source, sink = map(pipeline.get_by_name, ("src", "sink"))
        pipeline.set_state(Gst.State.PLAYING)
        for frame in frames:
            self.assertEqual(source.emit("push-buffer", frame),
                             Gst.FlowReturn.OK)
        source.emit("end-of-stream")
        lines = []
        while (sample := sink.emit("pull-sample")):
            buffer = sample.get_buffer()
            text = buffer.extract_dup(0, buffer.get_size()).decode()
            self.assertEqual(text.find("\n"), len(text) - 1)
            lines.append(json.loads(text))
            jsonschema.Draft202012Validator(self.schema).validate(lines[-1])
            self.assertEqual(lines[-1]["pts"], buffer.pts)
        self.warnings = []
        bus = pipeline.get_bus()
        while (message := bus.pop_filtered(
                Gst.MessageType.WARNING | Gst.MessageType.ERROR)):
            self.assertEqual(message.type, Gst.MessageType.WARNING)
            self.warnings.append(message.parse_warning()[0].message)
        pipeline.set_state(Gst.State.NULL)
        return lines

    def test_fields(self):
        ids = numpy.array([[0, 0, 1, 2], [0, 0, 255, 255]], numpy.uint8)
        line, = self.run_frames([self.frame(ids, 3)])
        arrived = datetime.datetime.fromisoformat(
            line.pop("utc").replace("Z", "+00:00"))
        now = datetime.datetime.now(datetime.timezone.utc)
        self.assertLess(now - arrived, datetime.timedelta(minutes=1))
        self.assertEqual(line, {
            "pts": 120 * MILLISECOND, "running_time": 120 * MILLISECOND,
            "utc_source": "clock", "age": 0, "width": 4, "height": 2,
            "covers": [-3, 5, WIDTH, HEIGHT], "source": "",
            "model": "hand-made",
            "unknown": {"pixels": 2, "fraction": 0.25},
            "classes": [
                {"id": 0, "label": "road", "pixels": 4, "fraction": 0.5},
                {"id": 1, "label": self.LABELS[1], "pixels": 1,
                 "fraction": 0.125},
                {"id": 2, "label": self.LABELS[2], "pixels": 1,
                 "fraction": 0.125}]})

    def test_times(self):
        frame = self.frame(numpy.zeros((2, 2), numpy.uint8))
        code = GstVideo.VideoTimeCode.new(
            30000, 1001, GLib.DateTime.new_utc(2026, 1, 2, 0, 0, 0),
            GstVideo.VideoTimeCodeFlags.DROP_FRAME, 1, 2, 3, 4, 0)
        GstVideo.buffer_add_video_time_code_meta(frame, code)
        frame.add_reference_timestamp_meta(
            Gst.Caps.from_string("timestamp/x-ntp, name=(string)\"a b\""), 7,
            Gst.CLOCK_TIME_NONE)
        line, = self.run_frames([frame])
        self.assertEqual(line["time_code"], "01:02:03;04")
        self.assertEqual(line["utc_source"], "time-code")
        # A drop-frame time code only approximates the time: 111582 frames take
        # 3723.119 s. GStreamer before 1.26 ignores the difference.
        self.assertRegex(line["utc"], r"^2026-01-02T01:02:03\.1(19|[34])")
        self.assertEqual(
            line["reference_timestamps"],
            [{"reference": 'timestamp/x-ntp, name=(string)"a\\ b"',
              "timestamp": 7}])

    def test_shapes(self):
        rng = numpy.random.default_rng(1)
        masks = [scribble(rng, rng.integers(1, 50), rng.integers(1, 70), 3)
                 for _ in range(40)]
        masks.append(numpy.full((5, 7), 1, numpy.uint8))
        masks.append(numpy.full((5, 7), 255, numpy.uint8))
        masks.append((numpy.indices((9, 9)).sum(0) % 2).astype(numpy.uint8))
        lines = self.run_frames(
            [self.frame(ids, i) for i, ids in enumerate(masks)],
            "rle=true regions=true min-area=3")
        self.assertEqual(len(lines), len(masks))
        for ids, line in zip(masks, lines):
            self.assertEqual([entry["id"] for entry in line["classes"]],
                             sorted(set(ids.flat) - {255}))
            for entry in line["classes"]:
                shape = ids == entry["id"]
                self.assertEqual(entry["pixels"], shape.sum())
                self.assertEqual(tuple(entry["rle"]["size"]), ids.shape)
                numpy.testing.assert_array_equal(
                    decode_rle(entry["rle"]["counts"], *ids.shape), shape)
                regions = [tuple(region.values())
                           for region in entry["regions"]]
                self.assertEqual(sorted(regions), [
                    region for region in flood(shape) if region[4] >= 3])

    def test_long_runs(self):
        """Runs whose differences need several groups of bits."""
        ids = numpy.zeros((700, 900), numpy.uint8)
        ids[100:600, 200:800] = 1
        ids[300:310, 450:] = 2
        line, = self.run_frames([self.frame(ids)], "rle=true")
        for entry in line["classes"]:
            numpy.testing.assert_array_equal(
                decode_rle(entry["rle"]["counts"], *ids.shape),
                ids == entry["id"])

    def test_frame_without_mask(self):
        ids = numpy.zeros((2, 2), numpy.uint8)
        lines = self.run_frames(
            [Gst.Buffer.new(), self.frame(ids, 1), Gst.Buffer.new()])
        self.assertEqual([line["pts"] for line in lines], [40 * MILLISECOND])

    def test_id_beyond_table(self):
        ids = numpy.array([[0, 3, 200, 255]], numpy.uint8)
        lines = self.run_frames([self.frame(ids), self.frame(ids, 1)],
                                "rle=true regions=true")
        for line in lines:
            self.assertEqual(line["unknown"]["pixels"], 3)
            self.assertEqual([entry["id"] for entry in line["classes"]], [0])
        self.assertEqual(self.warnings, [
            "2 pixels of a mask have an id outside its table of 3 classes; "
            "they count as unknown."])

    def test_source(self):
        frame = self.frame(numpy.zeros((2, 2), numpy.uint8))
        self.assertEqual(self.run_frames([frame], "source=nobody"), [])


if __name__ == "__main__":
    tap.main()
