#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GstClassMask in Python: masks that outlive their frames, and the frames of a
video.

    test_python.py [--bare]

--bare: without GStreamer's own additions to Python (python3-gst-1.0)."""

import gc
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import warnings
import wave

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

BARE = sys.argv[1:] == ["--bare"]
# None makes PyGObject treat a namespace as one without additions.
HIDE = ("import sys; sys.modules['gi.overrides.Gst'] = None; "
        "sys.modules['gi.overrides.GstVideo'] = None\n")
if BARE:
    exec(HIDE)

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    gi.require_version("GstClassMask", "1.0")
    from gi.repository import GLib, Gst, GstClassMask, GstVideo
    import numpy
except (ImportError, ValueError) as error:
    tap.skip_all(error)

CLIP = ROOT / "pipelines/street.mp4"
SMALL = {"infer_width": 64, "infer_height": 64}
COLORS = [0x804080, 0x0000ff, 0xff8000]


def image(ids, offset, stride):
    """A GRAY8 image with rows that are padded with 99."""
    height, width = ids.shape
    rows = numpy.full((height, stride), 99, numpy.uint8)
    rows[:, :width] = ids
    buffer = Gst.Buffer.new_wrapped(bytes([99] * offset) + rows.tobytes())
    GstVideo.buffer_add_video_meta_full(
        buffer, GstVideo.VideoFrameFlags.NONE, GstVideo.VideoFormat.GRAY8,
        width, height, 1, [offset, 0, 0, 0], [stride, 0, 0, 0])
    return buffer


def attach(frame, ids, source=""):
    classes = GstClassMask.Classes.new_with_aliases(
        "hand-made", ["road", "car", "person"], COLORS, ["pedestrian"], ["person"])
    meta = GstClassMask.buffer_add_class_mask_meta(
        frame, image(ids, 5, ids.shape[1] + 3), classes, 2, -4, 40, 30)
    meta.source = GLib.quark_from_string(source)
    return meta


class Masks(unittest.TestCase):
    IDS = numpy.array([[0, 0, 0, 1, 255], [0, 0, 2, 2, 255]], numpy.uint8)

    @classmethod
    def setUpClass(cls):
        Gst.init(None)

    def test_which_additions_there_are(self):
        self.assertEqual(hasattr(Gst, "_overrides_module"), not BARE)

    def test_everything(self):
        frame = Gst.Buffer.new()
        meta = attach(frame, self.IDS)
        sure = numpy.arange(10, dtype=numpy.uint8).reshape(2, 5)
        self.assertTrue(meta.set_confidence(image(sure, 0, 8)))
        meta.age = 40_000_000
        mask = GstClassMask.mask_of(frame)
        del frame, meta
        gc.collect()
        numpy.testing.assert_array_equal(mask.array, self.IDS)
        numpy.testing.assert_array_equal(mask.confidence, sure)
        self.assertEqual(mask.labels, ("road", "car", "person"))
        self.assertEqual(mask.colors,
                         ((128, 64, 128), (0, 0, 255), (255, 128, 0)))
        self.assertEqual(mask.model, "hand-made")
        self.assertEqual(mask.age, 0.04)
        self.assertEqual(mask.rectangle, (2, -4, 40, 30))
        self.assertEqual(list(mask.shares().items()),
                         [("road", 0.5), ("person", 0.2), ("car", 0.1)])

    def test_find(self):
        frame = Gst.Buffer.new()
        attach(frame, self.IDS)
        mask = GstClassMask.mask_of(frame)
        self.assertEqual(list(map(mask.find, ("car", "person", "pedestrian"))),
                         [1, 2, 2])
        with self.assertRaisesRegex(ValueError, "cow.* road, car, person$"):
            mask.find("cow")

    def test_nothing(self):
        self.assertIsNone(GstClassMask.mask_of(Gst.Buffer.new()))
        frame = Gst.Buffer.new()
        attach(frame, self.IDS).age = Gst.CLOCK_TIME_NONE
        mask = GstClassMask.mask_of(frame)
        self.assertIsNone(mask.confidence)
        self.assertIsNone(mask.age)

    def test_one_of_several(self):
        frame = Gst.Buffer.new()
        attach(frame, self.IDS, "first")
        attach(frame, self.IDS[:1], "second")
        for source, rows in (None, 1), ("first", 2), ("second", 1):
            mask = GstClassMask.mask_of(frame, source)
            self.assertEqual(mask.array.shape, (rows, 5), source)
        self.assertIsNone(GstClassMask.mask_of(frame, "third"))

    def test_array_is_the_mask(self):
        """Neither a copy nor writable."""
        frame = Gst.Buffer.new()
        attach(frame, self.IDS)
        mask = GstClassMask.buffer_get_class_mask_meta(frame).mask
        before = mask.mini_object.refcount
        one, other = (GstClassMask.mask_of(frame).array for _ in range(2))
        self.assertTrue(numpy.shares_memory(one, other))
        self.assertFalse(one.flags.writeable)
        with self.assertRaises(ValueError):
            one.flags.writeable = True
        self.assertEqual(mask.mini_object.refcount, before + 2)
        del one, other
        gc.collect()
        self.assertEqual(mask.mini_object.refcount, before)

    def test_frame_stays_writable(self):
        """A mask that is kept must not make downstream elements copy the frame."""
        frame = Gst.Buffer.new()
        attach(frame, self.IDS)
        sample = Gst.Sample.new(frame, None, None, None)
        before = frame.mini_object.refcount
        mask = GstClassMask.mask_of(sample.get_buffer())
        gc.collect()
        self.assertEqual(frame.mini_object.refcount, before)
        numpy.testing.assert_array_equal(mask.array, self.IDS)

    def test_damaged_mask(self):
        frame = Gst.Buffer.new()
        layout = GstVideo.buffer_get_video_meta(attach(frame, self.IDS).mask)
        layout.height = 1000
        with self.assertRaisesRegex(GstClassMask.Error, "cannot be read"):
            GstClassMask.mask_of(frame).array
        with self.assertRaisesRegex(GstClassMask.Error, "cannot be read"):
            GstClassMask.mask_of(frame).shares()

    def test_without_numpy(self):
        program = (
            (HIDE if BARE else "") + "import gi, sys\n"
            "gi.require_version('GstClassMask', '1.0')\n"
            "from gi.repository import GstClassMask\n"
            f"for frame in GstClassMask.frames({str(CLIP)!r}, interval=9):\n"
            "    print(frame.mask.shares()['road'], 'numpy' in sys.modules)\n"
            "    break\n"
            "frame.mask.array\n"
            "print('numpy' in sys.modules)\n")
        done = subprocess.run(["/usr/bin/python3", "-c", program], text=True,
                              capture_output=True, check=True, timeout=120)
        share, before, after = done.stdout.split()
        self.assertGreater(float(share), 0.1)
        self.assertEqual((before, after), ("False", "True"))


class Kept(unittest.TestCase):
    """Data of 30 frames stays valid while the next 30 reuse free memory."""
    KEPT = 30

    def keep(self, what):
        """Returns what is kept of each frame, and copies of these frames' masks."""
        kept, copies = [], []
        for number, frame in enumerate(GstClassMask.frames(CLIP, **SMALL)):
            if number < self.KEPT:
                copies.append(frame.mask.array.copy())
                kept.append(what(frame))
            if number == 2 * self.KEPT:
                break
        del frame
        gc.collect()
        self.assertEqual(len(kept), self.KEPT)
        self.assertGreater(sum((copy != copies[0]).any() for copy in copies),
                           self.KEPT // 2)
        return kept, copies

    def assert_equal(self, arrays, copies):
        for array, copy in zip(arrays, copies, strict=True):
            numpy.testing.assert_array_equal(array, copy)

    def test_arrays(self):
        self.assert_equal(*self.keep(lambda frame: frame.mask.array))

    def test_parts_of_arrays(self):
        kept, copies = self.keep(lambda frame: frame.mask.array[100:200, ::3])
        self.assert_equal(kept, [copy[100:200, ::3] for copy in copies])

    def test_masks(self):
        kept, copies = self.keep(lambda frame: frame.mask)
        self.assert_equal([mask.array for mask in kept], copies)
        for mask in kept:
            self.assertIn("road", mask.labels)
            self.assertEqual(mask.rectangle, (0, 0, 640, 360))

    def test_metas(self):
        def meta_of(frame):
            return GstClassMask.buffer_get_class_mask_meta(frame.buffer)

        kept, copies = self.keep(meta_of)
        for meta, copy in zip(kept, copies, strict=True):
            self.assertEqual((meta.width, meta.height), (640, 360))
            self.assertEqual(meta.classes.get_label(3), "road")
            counts = numpy.bincount(copy.ravel(), minlength=256).tolist()
            self.assertEqual(list(meta.get_areas()), counts)

    def test_fields_of_metas(self):
        def fields(frame):
            meta = GstClassMask.buffer_get_class_mask_meta_by_source(
                frame.buffer, "net")
            return meta.mask, meta.classes

        kept, copies = self.keep(fields)
        for (mask, classes), copy in zip(kept, copies, strict=True):
            self.assertEqual(classes.get_label(3), "road")
            self.assertEqual(mask.extract_dup(0, mask.get_size())[:copy.size],
                             copy.tobytes())

    def test_pictures(self):
        kept, _ = self.keep(lambda frame: (frame.array, frame.array.copy()))
        self.assert_equal(*zip(*kept))


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Gst.init(None)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.colors = cls.folder / "colors.mp4"
        # Red above blue; 5 frames.
        picture = numpy.zeros((48, 64, 3), numpy.uint8)
        picture[:24, :, 0] = picture[24:, :, 2] = 255
        (cls.folder / "rgb").write_bytes(picture.tobytes() * 5)
        subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={cls.folder}/rgb",
             "!", "rawvideoparse", "format=rgb", "width=64", "height=48",
             "framerate=5", "!", "videoconvert", "!", "x264enc", "!", "mp4mux",
             "!", "filesink", f"location={cls.colors}"], check=True)

    def test_picture_and_time(self):
        times = []
        for frame in GstClassMask.frames(self.colors, **SMALL):
            times.append(round(frame.time, 3))
            self.assertEqual(frame.array.shape, (48, 64, 3))
            self.assertEqual(frame.mask.array.shape, (48, 64))
            numpy.testing.assert_allclose(frame.array[5, 5], (255, 0, 0), atol=12)
            numpy.testing.assert_allclose(frame.array[40, 60], (0, 0, 255),
                                          atol=12)
        self.assertEqual(times, [0, 0.2, 0.4, 0.6, 0.8])

    def test_upright(self):
        """A rotation by 90 degrees in the track header, as phones write it."""
        content = self.colors.read_bytes()
        matrix = content.index(b"tkhd") + 44
        turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
        phone = self.folder / "phone.mp4"
        phone.write_bytes(content[:matrix] + turn + content[matrix + 36:])
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as one about rotated video
            for frame in GstClassMask.frames(str(phone), **SMALL):
                self.assertEqual(frame.array.shape, (64, 48, 3))
                self.assertEqual(frame.mask.array.shape, (64, 48))
                numpy.testing.assert_allclose(frame.array[5, 40], (255, 0, 0),
                                              atol=12)

    def test_properties(self):
        ages = []
        for frame in GstClassMask.frames(self.colors.as_uri(), interval=1,
                                         backend="cpu", async_=False,
                                         mask_size="grid", **SMALL):
            ages.append(round(frame.mask.age, 3))
            self.assertLess(frame.mask.array.shape[0], 48)
        self.assertEqual(ages, [0, 0.2, 0, 0.2, 0])

    def test_wrong_properties(self):
        for error, name, value in (
                (TypeError, "intervall", 4), (TypeError, "stats", None),
                (TypeError, "interval", "four"), (ValueError, "interval", -1),
                (ValueError, "smoothing", 2), (ValueError, "backend", "gpu")):
            with self.subTest(name), self.assertRaisesRegex(
                    error, "" if value == "four" else f"{name}.*fastscnn|"
                    f"fastscnn.*{name}"):
                GstClassMask.frames(self.colors, **{name: value})

    def test_wrong_sources(self):
        (self.folder / "empty.mp4").touch()
        (self.folder / "text.mp4").write_text("not a video\n" * 100)
        with wave.open(str(self.folder / "sound.wav"), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(16000))
        for name, sentence in (
                ("missing.mp4", "does not exist"), (".", "is not a file"),
                ("empty.mp4", r"empty\.mp4: "), ("text.mp4", r"text\.mp4: "),
                ("sound.wav", r"sound\.wav: ")):
            with self.subTest(name), self.assertRaisesRegex(
                    GstClassMask.Error, sentence):
                list(GstClassMask.frames(self.folder / name))

    def test_no_password_in_errors(self):
        with self.assertRaises(GstClassMask.Error) as caught:
            list(GstClassMask.frames("rtsp://user:secret@127.0.0.1:1/stream"))
        self.assertNotIn("secret", str(caught.exception))
        self.assertGreater(len(str(caught.exception)), 10)

    def test_error_of_the_element(self):
        with self.assertRaisesRegex(GstClassMask.Error,
                                    "^There is no model file missing"):
            list(GstClassMask.frames(self.colors,
                                     model_file=pathlib.Path("missing")))

    def pipeline_of(self, frames):
        return frames.gi_frame.f_locals["pipeline"]

    def post(self, pipeline, make, sentence):
        element = pipeline.get_by_name("source")
        error = GLib.Error.new_literal(Gst.StreamError.quark(), sentence,
                                       int(Gst.StreamError.DECODE))
        element.post_message(make(element, error, ""))

    def test_warnings(self):
        frames = GstClassMask.frames(self.colors, **SMALL)
        next(frames)
        self.post(self.pipeline_of(frames), Gst.Message.new_warning, "a spot")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertEqual(len(list(frames)), 4)
        self.assertEqual([str(warning.message) for warning in caught],
                         [f"{self.colors}: a spot"])
        self.assertEqual(caught[0].filename, __file__)

    def test_frames_before_an_error(self):
        frames = GstClassMask.frames(self.colors, **SMALL)
        next(frames)
        pipeline = self.pipeline_of(frames)
        self.post(pipeline, Gst.Message.new_error, "it is torn")
        for _ in range(4):
            next(frames)
        with self.assertRaisesRegex(GstClassMask.Error, "it is torn"):
            next(frames)
        self.assert_stopped(pipeline)

    def assert_stopped(self, pipeline):
        self.assertEqual(pipeline.get_state(0)[1], Gst.State.NULL)

    def test_every_end_stops_the_pipeline(self):
        frames = GstClassMask.frames(self.colors, **SMALL)
        next(frames)
        pipeline = self.pipeline_of(frames)
        self.assertEqual(pipeline.get_state(Gst.CLOCK_TIME_NONE)[1],
                         Gst.State.PLAYING)
        del frames
        self.assert_stopped(pipeline)

        frames = GstClassMask.frames(self.colors, **SMALL)
        next(frames)
        pipeline = self.pipeline_of(frames)
        with self.assertRaises(KeyboardInterrupt):
            frames.throw(KeyboardInterrupt)
        self.assert_stopped(pipeline)

    def test_live_frames_are_dropped(self):
        """A busy program gets the newest frames of a live source."""
        frames = GstClassMask.frames("testbin://video,is-live=true", **SMALL)
        first = next(frames).time
        time.sleep(1)
        for _ in range(3):  # one already inferred, one in the queue, one new
            last = next(frames).time
        frames.close()
        self.assertGreater(last - first, 0.5)


if __name__ == "__main__":
    sys.argv[1:] = []
    tap.main()
