#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pieces of recordings, cut, segmented and joined in this process, without Dask.
`--long` also watches the memory over 500 pieces."""

import dataclasses
import functools
import http.server
import json
import pathlib
import sys
import threading
import types
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import gi  # noqa: E402

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402
from archives import (  # noqa: E402
    CODECS, H264, SMALL, Folder, launch, one_process, read_video, record)
from streams import CLIP, ROOT, resident_bytes  # noqa: E402
import tap  # noqa: E402

sys.path.insert(0, str(ROOT / "pipelines/archive"))
import joining  # noqa: E402
import keyframes  # noqa: E402
import segmenting  # noqa: E402
from failures import BadSeam, Failure  # noqa: E402

PIECES = 500 if "--long" in sys.argv else 40


class QuietServer(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass

class Pieces(Folder):
    @classmethod
    def setUpClass(cls):
        cls.model_hash = segmenting.hash_model(None)
        cls.addClassCleanup(segmenting.drop_segmenter)

    def options(self, **options):
        return dataclasses.asdict(segmenting.Options(
            model_hash=self.model_hash, **{"fastscnn": SMALL, **options}))

    def archive(self, uri, seconds, properties=SMALL, step=1, masks=False):
        """(number of pieces, lines) of a recording cut and joined."""
        plan = keyframes.scan(uri, seconds, step)
        options = self.options(fastscnn=properties, masks=masks)
        frames = 0
        for number, piece in enumerate(plan["pieces"]):
            done = segmenting.segment_piece(
                uri, piece, plan["segment"], options,
                self.folder / f"{number:06}.jsonl",
                self.folder / f"{number:06}.mkv" if masks else None,
                lambda count: None)
            frames += done["frames"]
        outputs = {"lines": str(self.folder / "whole.jsonl"),
                   "shares": str(self.folder / "whole.json")}
        if masks:
            outputs["masks"] = str(self.folder / "whole.mkv")
        joined = joining.join(self.folder, len(plan["pieces"]), plan["seconds"],
                              outputs)
        self.assertEqual(joined, frames)
        return len(plan["pieces"]), (self.folder / "whole.jsonl").read_bytes()

    def test_clip_with_masks(self):
        expected = one_process(CLIP, SMALL, self.folder / "one.jsonl",
                               self.folder / "one.mkv")
        pieces, lines = self.archive(CLIP.as_uri(), 2, masks=True)
        self.assertEqual(pieces, 5)
        self.assertEqual(lines, expected)
        one, joined = (read_video(self.folder / name)
                       for name in ("one.mkv", "whole.mkv"))
        self.assertEqual([pts for pts, _ in joined], [pts for pts, _ in one])
        self.assertEqual(joined, one)
        self.assertEqual(len(one), expected.count(b"\n"))

    def test_every_codec(self):
        # Recordings without timestamps, or with no IDR frame after the first,
        # cannot be cut.
        pieces_of = {"open.mkv": 1, "mpeg4.avi": 1}
        for name, codec in CODECS.items():
            with self.subTest(name):
                path = record(self.folder / name, codec=codec)
                expected = one_process(path, SMALL, self.folder / "one.jsonl")
                pieces, lines = self.archive(path.as_uri(), 0.4)
                print(f"{name}: {pieces} pieces, {expected.count(10)} frames")
                self.assertEqual(lines, expected)
                if name in pieces_of:
                    self.assertEqual(pieces, pieces_of[name])
                else:
                    self.assertGreater(pieces, 2)

    def test_interval(self):
        """Cuts only at every third key frame, which is inferred anyway."""
        path = record(self.folder / "a.mp4", 70)
        properties = f"{SMALL} interval=2"
        expected = one_process(path, properties, self.folder / "one.jsonl")
        pieces, lines = self.archive(path.as_uri(), 0.4, properties, step=3)
        self.assertEqual(pieces, 3)
        self.assertEqual(lines, expected)

    def test_server_that_cannot_seek(self):
        handler = functools.partial(QuietServer, directory=self.folder)
        path = record(self.folder / "a.mkv",
                      codec=H264 + "! matroskamux streamable=true")
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            expected = one_process(path, SMALL, self.folder / "one.jsonl")
            pieces, lines = self.archive(
                f"http://127.0.0.1:{server.server_port}/a.mkv", 0.4)
            server.shutdown()
        self.assertEqual(pieces, 4)
        self.assertEqual(lines, expected)

    def test_frames_that_change_size(self):
        """Lines can follow a change of size; the video of --masks cannot."""
        small, large = (
            record(self.folder / name, codec=
                   f"videoscale ! video/x-raw,width={width} ! " + H264
                   + "! h264parse ! video/x-h264,stream-format=byte-stream ! "
                   "mpegtsmux") for name, width in (("1", 160), ("2", 192)))
        both = self.folder / "both.ts"
        both.write_bytes(small.read_bytes() + large.read_bytes())
        expected = one_process(both, SMALL, self.folder / "one.jsonl")
        self.assertEqual({json.loads(line)["width"]
                          for line in expected.splitlines()}, {160, 192})
        self.assertEqual(self.archive(both.as_uri(), 0.4)[1], expected)
        with self.assertRaisesRegex(Failure, "its frames change"):
            self.archive(both.as_uri(), 0, masks=True)

    def test_piece_that_depends_on_the_one_before(self):
        """BadSeam is raised, and no file appears."""
        path = record(self.folder / "a.mp4")
        plan = keyframes.scan(path.as_uri(), 0.4, 1)
        options = self.options()
        plan["pieces"][1]["first"] += 40_000_000  # no key frame
        lines = self.folder / "lines"
        with self.assertRaises(BadSeam):
            segmenting.segment_piece(
                path.as_uri(), plan["pieces"][1], plan["segment"], options,
                lines, None, lambda count: None)
        self.assertFalse(list(self.folder.glob("lines*")))
        plan = keyframes.scan(path.as_uri(), 0.4, 1)
        plan["pieces"][1]["frames"] += 1
        with self.assertRaises(BadSeam):
            segmenting.segment_piece(
                path.as_uri(), plan["pieces"][1], plan["segment"], options,
                lines, None, lambda count: None)

    def test_broken_recordings(self):
        (self.folder / "text.mp4").write_text("no video\n")
        for name, why in (("text.mp4", "type of stream"),
                          ("none.mp4", "(?i)not found|no such")):
            with self.subTest(name), self.assertRaisesRegex(Failure, why):
                keyframes.scan((self.folder / name).as_uri(), 1, 1)

    def test_sound_alone(self):
        """GStreamer does not always report that nothing is linked."""
        launch("audiotestsrc num-buffers=20 ! wavenc ! "
               f"filesink location={self.folder}/sound.wav")
        for _ in range(50):
            with self.assertRaisesRegex(Failure, "there is no video in it"):
                keyframes.scan((self.folder / "sound.wav").as_uri(), 1, 1)

    def test_model_beside_an_installed_plugin(self):
        """Debian's /lib, where GStreamer finds plugins, is a link."""
        model = self.folder / "usr/share/fastscnn/a.safetensors"
        plugin = self.folder / "usr/lib/gstreamer-1.0/libgstfastscnn.so"
        for path in (model, plugin):
            path.parent.mkdir(parents=True)
            path.touch()
        (self.folder / "lib").symlink_to("usr/lib")
        registry = mock.Mock()
        registry.find_plugin().get_filename.return_value = str(
            self.folder / "lib/gstreamer-1.0" / plugin.name)
        gst = types.SimpleNamespace(
            Registry=types.SimpleNamespace(get=lambda: registry))
        with mock.patch.object(segmenting, "Gst", gst), \
                mock.patch.dict("os.environ", FASTSCNN_MODEL_PATH=""):
            self.assertEqual(segmenting.model_file("a.safetensors"), model)

    def test_memory_stays_flat(self):
        path = record(self.folder / "a.mp4")
        plan = keyframes.scan(path.as_uri(), 0.4, 1)
        options = self.options()
        networks, sizes = set(), []
        for number in range(PIECES):
            segmenting.segment_piece(
                path.as_uri(), plan["pieces"][number % len(plan["pieces"])],
                plan["segment"], options, self.folder / "lines", None,
                lambda count: None)
            networks.add(segmenting.get_segmenter(
                segmenting.Options(**options)).net)
            sizes.append(resident_bytes() / 2**20)
        half = PIECES // 2
        print(f"{sizes[half]:.1f} MB after {half} pieces, {sizes[-1]:.1f} MB "
              f"after {PIECES}")
        self.assertEqual(len(networks), 1)
        self.assertLess(sizes[-1] - sizes[half], 1)


if __name__ == "__main__":
    Gst.init(None)
    tap.main()
