#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The elements in GStreamer's own programs (players, the discoverer, tracers), under
valgrind, and with seeks at any rate.

    test_interop.py [--long]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import CLIP, resident_bytes, wait_until  # noqa: E402
import tap  # noqa: E402
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstPbutils", "1.0")
from gi.repository import Gst, GstApp, GstPbutils  # noqa: E402,F401

LONG = "--long" in sys.argv
SMALL = "infer-width=64 infer-height=32"
ELEMENTS = ("fastscnn", "classmaskoverlay", "classmaskextract", "classmaskjson")


def segment_bin():
    """A bin for a player's video-filter, and its fastscnn."""
    made = Gst.parse_bin_from_description(
        f"videoconvert ! fastscnn name=net {SMALL} post-messages=true "
        "! classmaskoverlay name=overlay", True)
    return made, made.get_by_name("net")


def frames_of(net):
    return net.get_property("stats").get_uint64("frames")[1]


class Players(unittest.TestCase):
    def play(self, pipeline, bus):
        pipeline.set_state(Gst.State.PLAYING)
        try:
            message = bus.timed_pop_filtered(
                120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
            self.assertIsNotNone(message)
            self.assertEqual(message.type, Gst.MessageType.EOS)
        finally:
            pipeline.set_state(Gst.State.NULL)

    def test_playbin(self):
        for name in ("playbin", "playbin3"):
            with self.subTest(name):
                player = Gst.ElementFactory.make(name)
                video_filter, net = segment_bin()
                player.set_property("uri", CLIP.as_uri())
                player.set_property("video-filter", video_filter)
                player.set_property("video-sink", Gst.parse_bin_from_description(
                    "fakesink sync=false", True))
                self.play(player, player.get_bus())
                self.assertGreaterEqual(frames_of(net), 100)

    def test_gst_play(self):
        try:
            gi.require_version("GstPlay", "1.0")
            from gi.repository import GstPlay
        except (ImportError, ValueError) as error:
            self.skipTest(error)
        play = GstPlay.Play.new(None)
        player = play.get_pipeline()
        video_filter, net = segment_bin()
        player.set_property("video-filter", video_filter)
        player.set_property("video-sink", Gst.parse_bin_from_description(
            "fakesink sync=false", True))
        play.set_uri(CLIP.as_uri())
        kinds = []

        def ended():
            while (message := play.get_message_bus().pop()):
                kinds.append(GstPlay.PlayMessage.parse_type(message))
            return {GstPlay.PlayMessage.END_OF_STREAM,
                    GstPlay.PlayMessage.ERROR} & set(kinds)

        play.play()
        self.assertTrue(wait_until(ended, 120))
        self.assertNotIn(GstPlay.PlayMessage.ERROR, kinds)
        self.assertGreaterEqual(frames_of(net), 100)
        play.stop()

    def test_discoverer(self):
        """Our elements do not affect how decoders are found."""
        info = GstPbutils.Discoverer.new(60 * Gst.SECOND).discover_uri(
            CLIP.as_uri())
        self.assertEqual(info.get_result(), GstPbutils.DiscovererResult.OK)
        self.assertEqual(len(info.get_video_streams()), 1)

    def test_decodebin_to_appsink(self):
        pipeline = Gst.parse_launch(
            f"uridecodebin uri={CLIP.as_uri()} ! videoconvert ! fastscnn {SMALL} "
            "! appsink name=out sync=false max-buffers=2")
        out = pipeline.get_by_name("out")
        pipeline.set_state(Gst.State.PLAYING)
        for _ in range(20):
            buffer = out.emit("try-pull-sample", 60 * Gst.SECOND).get_buffer()
            self.assertIsNotNone(buffer.get_custom_meta("ClassMaskSummary"))
        pipeline.set_state(Gst.State.NULL)

    def test_seeks(self):
        """Seeks as a video editor does: at any rate, also backwards."""
        pipeline = Gst.parse_launch(
            f"filesrc location={CLIP} ! decodebin ! videoconvert "
            f"! fastscnn {SMALL} ! classmaskoverlay "
            "! appsink name=out sync=false max-buffers=2")
        out = pipeline.get_by_name("out")
        pipeline.set_state(Gst.State.PAUSED)
        self.assertEqual(pipeline.get_state(60 * Gst.SECOND)[0],
                         Gst.StateChangeReturn.SUCCESS)
        pipeline.set_state(Gst.State.PLAYING)
        begin, end = 1 * Gst.SECOND, 3 * Gst.SECOND
        for rate in (1, 2, 4, 0.5, -1, -2):
            with self.subTest(rate=rate):
                self.assertTrue(pipeline.seek(
                    rate, Gst.Format.TIME,
                    Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE,
                    Gst.SeekType.SET, begin, Gst.SeekType.SET, end))
                times = []
                while (sample := out.emit("try-pull-sample", 60 * Gst.SECOND)):
                    buffer = sample.get_buffer()
                    self.assertIsNotNone(
                        buffer.get_custom_meta("ClassMaskSummary"))
                    times.append(buffer.pts)
                self.assertTrue(out.get_property("eos"))
                self.assertGreaterEqual(len(times), 20)
                self.assertEqual(times, sorted(times, reverse=rate < 0))
                self.assertGreaterEqual(min(times), begin - Gst.SECOND // 10)
                self.assertLessEqual(max(times), end + Gst.SECOND // 10)
        pipeline.set_state(Gst.State.NULL)


class Process(unittest.TestCase):
    """Programs in separate processes, with an empty home folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name) / "home"
        self.home.mkdir()
        self.environment = dict(
            os.environ, HOME=str(self.home), XDG_CACHE_HOME=str(self.home),
            GST_REGISTRY=folder.name + "/registry", GST_REGISTRY_FORK="no",
            GST_PLUGIN_SYSTEM_PATH_1_0="")

    def run_program(self, *command, **more):
        done = subprocess.run(
            command, env=dict(self.environment, **more), text=True,
            capture_output=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_registry_scan_does_nothing_else(self):
        """A scan opens no engine and writes no file."""
        done = self.run_program("gst-inspect-1.0", "fastscnn", LD_DEBUG="files")
        self.assertIn("libgstfastscnn.so", done.stderr)
        for library in ("libfastscnn-cpu", "libfastscnn-cuda", "libcudnn"):
            self.assertNotIn(library, done.stderr)
        self.assertEqual(os.listdir(self.home), [])

    def test_origin(self):
        """The plugin reports its origin."""
        done = self.run_program("gst-inspect-1.0", "fastscnn")
        self.assertRegex(done.stdout, r"Origin URL +\S*gst-fastscnn\S*\n")

    def test_inspect_under_valgrind(self):
        if shutil.which("valgrind") is None:
            self.skipTest("no valgrind")
        self.run_program("gst-inspect-1.0")  # writes the registry
        for element in ELEMENTS:
            with self.subTest(element):
                done = self.run_program(
                    "valgrind", "-q", "--error-exitcode=9", "gst-inspect-1.0",
                    element, G_SLICE="always-malloc")
                self.assertIn("Pad Templates", done.stdout)

    def test_leaks_tracer(self):
        """No object is alive at the end."""
        for mode in ("async=false", "async=true confidence-map=true"):
            with self.subTest(mode):
                environment = dict(os.environ, GST_TRACERS="leaks",
                                   GST_DEBUG="GST_TRACER:7", GST_DEBUG_NO_COLOR="1")
                done = subprocess.run(
                    ["gst-launch-1.0", *(
                        "videotestsrc num-buffers=30 ! video/x-raw,width=64,"
                        f"height=48 ! fastscnn {SMALL} {mode} post-messages=true"
                        " ! classmaskoverlay contours=true legend=top-left ! tee"
                        " name=t t. ! queue ! classmaskjson ! fakesink t. !"
                        " queue ! classmaskextract ! fakesink").split()],
                    env=environment, text=True, capture_output=True,
                    timeout=120, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("object-alive", done.stderr)  # it traces
                alive = re.findall(r"object-alive, type-name=.string.[^%].*",
                                   done.stderr)
                self.assertEqual(alive, [])


@unittest.skipUnless(LONG, "only with --long")
class Memory(unittest.TestCase):
    def test_hundred_thousand_frames(self):
        """Memory does not grow after the first tenth."""
        pipeline = Gst.parse_launch(
            "videotestsrc num-buffers=100000 pattern=ball "
            "! video/x-raw,format=NV12,width=64,height=48 "
            f"! fastscnn name=net {SMALL} ! classmaskoverlay contours=true "
            "! classmaskjson rle=true regions=true ! fakesink")
        net = pipeline.get_by_name("net")
        bus = pipeline.get_bus()
        ended = Gst.MessageType.EOS | Gst.MessageType.ERROR
        pipeline.set_state(Gst.State.PLAYING)
        self.assertTrue(wait_until(lambda: frames_of(net) >= 10000, 600))
        early = resident_bytes()
        message = bus.timed_pop_filtered(1800 * Gst.SECOND, ended)
        late = resident_bytes()
        self.assertEqual(message.type, Gst.MessageType.EOS)
        self.assertEqual(frames_of(net), 100000)
        print(f"# {early} bytes after 10000 frames, {late} after 100000")
        self.assertLess(late - early, 1 << 20)
        pipeline.set_state(Gst.State.NULL)


Gst.init(None)
if __name__ == "__main__":
    tap.main()
