#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo: what it writes, shows and says."""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import CLIP, ROOT, write_phone_video  # noqa: E402
from videos import TestCase, decode, run  # noqa: E402
import tap  # noqa: E402
from gi.repository import GLib, Gst  # noqa: E402


class Demo(TestCase):
    DEMO = ROOT / "pipelines" / "demo.py"

    def test_clip(self):
        out = self.folder / "out.mp4"
        result = run(self.DEMO, CLIP, out)
        self.assertEqual(result.returncode, 0, result.stderr)
        for command in (f"xdg-open {out}", "pipelines/web.sh",
                        "meson devenv"):
            self.assertIn(f"  {command}", result.stderr)
        lines = result.stdout.splitlines()
        frames = len(list(decode(CLIP, picture=False)))
        self.assertRegex(lines[1], rf"^{frames} frames, [\d.]+ frames per "
                         r"second, backend (cpu|cuda)$")
        shares = [float(line.split("%")[0]) for line in lines[2:]]
        self.assertGreater(len(shares), 5)
        self.assertAlmostEqual(sum(shares), 100, delta=1)
        self.check_video(out, frames, frames)

    def test_odd_size_to_matroska(self):
        small = self.folder / "small.mkv"
        line = (f"filesrc location={CLIP} ! decodebin ! videoscale ! "
                "videoconvert ! video/x-raw,width=333,height=187,format=Y444 "
                f"! jpegenc ! matroskamux ! filesink location={small}")
        self.assertEqual(run("gst-launch-1.0", *line.split()).returncode, 0)
        out = self.folder / "out.mkv"
        result = run(self.DEMO, small, out)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.check_video(out, 200)

    def test_video_of_a_telephone_becomes_upright(self):
        phone = self.folder / "phone.mp4"
        write_phone_video(phone)
        out = self.folder / "out.mp4"
        result = run(self.DEMO, phone, out)
        self.assertEqual(result.returncode, 0, result.stderr)

        def describe(path):
            line = f"filesrc location={path} ! decodebin ! fakesink"
            return run("gst-launch-1.0", "-v", "-t", *line.split()).stdout

        self.assertIn("rotate-90", describe(phone))
        self.assertNotIn("rotate-90", describe(out))
        width, height = re.search(r"width=\(int\)(\d+), height=\(int\)(\d+)",
                                  describe(phone)).groups()
        self.assertIn(f"width=(int){height}, height=(int){width}", describe(out))

    def test_ctrl_c_ends_the_file(self):
        out = self.folder / "out.mp4"
        with subprocess.Popen(
                [self.DEMO, self.camera().url(), out], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            # Reported from one second after the first mask.
            self.assertIn("frames/s", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=40)[0]
        self.assertEqual(process.returncode, 0)
        self.assertIn("frames per second", output)
        self.check_video(out, 5)

    def test_seconds(self):
        out = self.folder / "out.mp4"
        result = run(self.DEMO, self.camera().url(), out, "--seconds", 3)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.check_video(out, 20)

    def test_window_of_a_camera_starts_at_once(self):
        """Its sink does not wait for a first frame, because GStreamer 1.22 sometimes
        leaves it waiting; that of a file waits."""
        sys.path.insert(0, str(self.DEMO.parent))
        import demo
        demo.Gst, demo.GLib = Gst, GLib
        feature = Gst.Registry.get().lookup_feature("fakevideosink")
        feature.set_rank(Gst.Rank.PRIMARY * 2)
        for source, waits in ((CLIP, True), ("rtsp://127.0.0.1:1/x", False)):
            pipeline = demo.Demo(argparse.Namespace(
                input=str(source), output="none.mp4", show=True, backend="cpu",
                model=None, seconds=None)).pipeline
            pipeline.set_state(Gst.State.READY)
            sinks = pipeline.iterate_all_by_element_factory_name("fakesink")
            found, sink = sinks.next()
            self.assertEqual(found, Gst.IteratorResult.OK)
            self.assertEqual(sink.get_property("async"), waits)
            pipeline.set_state(Gst.State.NULL)

    def test_show(self):
        environment = {**os.environ,
                       "GST_PLUGIN_FEATURE_RANK": "fakevideosink:MAX"}
        for source in (CLIP, self.camera().url()):
            result = run(self.DEMO, source, "--show", "--seconds", 2,
                         env=environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("frames per second", result.stdout)

    def test_bad_input_is_one_sentence(self):
        text = self.folder / "text.mp4"
        text.write_text("not a video\n" * 100)
        sound = self.folder / "sound.wav"
        line = (f"audiotestsrc num-buffers=20 ! wavenc ! "
                f"filesink location={sound}")
        self.assertEqual(run("gst-launch-1.0", *line.split()).returncode, 0)
        out = self.folder / "out.mp4"
        out.write_text("of another day")
        for arguments in (["none.mp4", out], [text, out], [sound, out],
                          [self.folder, out], ["rtsp://127.0.0.1:1/x", out],
                          [CLIP, self.folder / "none" / "out.mp4"],
                          [CLIP, self.folder / "out.avi"], [CLIP, CLIP],
                          [CLIP, out, "--seconds", 0],
                          [CLIP, out, "--model", text]):
            with self.subTest(arguments=arguments):
                result = run(self.DEMO, *arguments)
                self.assertNotEqual(result.returncode, 0)
                self.assertRegex(result.stderr, r"^demo\.sh: [^\n]+\n$")
        # The last error is about the model, not about the clip.
        self.assertNotIn(str(CLIP), result.stderr)
        self.assertEqual(out.read_text(), "of another day")
        self.assertEqual(list(self.folder.glob("*.part")), [])


if __name__ == "__main__":
    tap.main()
