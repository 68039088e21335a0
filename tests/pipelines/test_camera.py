#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/apps/camera.py with a camera that has every fault."""

import pathlib
import random
import statistics
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import (CLIP, ROOT, FaultyCamera, run_for, threads,  # noqa: E402
                     wait_until, write_phone_video)
import tap  # noqa: E402
import camera
from gi.repository import Gst

sys.path.insert(0, str(ROOT / "pipelines" / "web"))
import cameras  # noqa: E402

RESUME = 2.0  # seconds after the camera is back


class Viewer:
    """A pipeline behind a Camera, and a record of what arrives."""

    def __init__(self, url, transport="tcp", kind=camera.Camera):
        self.reports = []
        self.arrivals = []  # (wall clock, timestamp)
        self.sizes = []
        self.pipeline = Gst.parse_launch(
            camera.APPSRC.format(name="frames") + " ! videoconvert ! "
            "videoflip video-direction=auto ! fakesink name=sink sync=false")
        pad = self.pipeline.get_by_name("sink").get_static_pad("sink")
        pad.add_probe(Gst.PadProbeType.BUFFER, self.on_buffer)
        pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self.on_event)
        self.camera = kind(
            url, self.pipeline.get_by_name("frames"), self.reports.append,
            transport)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.camera.start()

    def on_buffer(self, _pad, info):
        self.arrivals.append((time.monotonic(), info.get_buffer().pts))
        return Gst.PadProbeReturn.OK

    def on_event(self, _pad, info):
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            structure = camera.structure_of(event.parse_caps())
            self.sizes.append((structure.get_value("width"),
                               structure.get_value("height")))
        return Gst.PadProbeReturn.OK

    def live(self):
        return self.camera.live and len(self.arrivals) > 3

    def arrivals_after(self, moment):
        return sum(1 for arrival, _ in self.arrivals if arrival > moment)

    def goes_on(self, frames):
        """Whether that many more frames arrive."""
        end = len(self.arrivals) + frames
        return wait_until(lambda: len(self.arrivals) >= end, 20)

    def warnings(self):
        return [text for text in self.reports if not text.startswith("live")]

    def close(self):
        self.camera.stop()
        self.pipeline.set_state(Gst.State.NULL)


class Timestamps(unittest.TestCase):
    def test_follow_the_camera(self):
        retime = camera.Retimer()
        frame = Gst.SECOND // 25
        first = retime(5 * Gst.SECOND, 100 * Gst.SECOND)
        self.assertEqual(first, 100 * Gst.SECOND)
        for number in range(1, 50):  # with any jitter of the network
            jitter = random.randrange(Gst.SECOND // 5)
            self.assertEqual(
                retime(5 * Gst.SECOND + number * frame,
                       first + number * frame + jitter),
                first + number * frame)

    def test_grow_whatever_comes(self):
        retime = camera.Retimer()
        random.seed(1)
        last, now = -1, 0
        for _ in range(2000):
            now += random.randrange(Gst.SECOND // 10)
            pts = random.choice([Gst.CLOCK_TIME_NONE, 0, now,
                                 random.randrange(1 << 62)])
            time_ = retime(pts, now)
            self.assertGreater(time_, last)
            self.assertLess(abs(time_ - now), 3 * Gst.SECOND)
            last = time_


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.faulty = FaultyCamera()

    @classmethod
    def tearDownClass(cls):
        cls.faulty.close()

    def open(self, mount="0", user="", transport="tcp"):
        viewer = Viewer(self.faulty.url(mount, user), transport)
        self.addCleanup(viewer.close)
        return viewer

    def open_live(self, **arguments):
        """May take a second attempt: UDP may lose the first packets, and the
        camera is opened again after REOPEN seconds without data."""
        viewer = self.open(**arguments)
        self.assertTrue(wait_until(viewer.live, 2 * viewer.camera.REOPEN + 5),
                        viewer.reports)
        return viewer

    def check_timestamps(self, viewer):
        times = [pts for _, pts in viewer.arrivals]
        self.assertTrue(all(a < b for a, b in zip(times, times[1:])))

    def check_fault(self, fault, away, warnings, **arguments):
        """The video continues within RESUME seconds after the camera does."""
        viewer = self.open_live(**arguments)
        warnings += len(viewer.warnings())
        before = threads()
        self.faulty.command(fault)
        run_for(away)
        back = time.monotonic()
        self.assertTrue(
            wait_until(lambda: viewer.arrivals_after(back) > 3, RESUME),
            viewer.reports)
        self.assertTrue(viewer.goes_on(20))
        self.check_timestamps(viewer)
        self.assertEqual(len(viewer.warnings()), warnings, viewer.reports)
        self.assertTrue(wait_until(lambda: threads() <= before, 3),
                        f"{before} threads became {threads()}")
        return viewer

    def test_stall(self):
        viewer = self.check_fault("stall 3.5", 3.5, 1)
        self.assertEqual(viewer.camera.restarts, 0)

    def test_long_stall(self):
        viewer = self.check_fault("stall 8", 8, 1)
        self.assertGreater(viewer.camera.restarts, 0)

    def test_dropped_connection(self):
        viewer = self.check_fault("drop 3", 3, 1)
        self.assertGreater(viewer.camera.restarts, 0)

    def test_states(self):
        viewer = self.open()
        self.assertEqual(viewer.camera.state(), ("connecting", 0))

        def reach(state):
            self.assertTrue(wait_until(
                lambda: viewer.camera.state()[0] == state, 10),
                viewer.camera.state())
            return viewer.camera.state()[1]

        reach("live")
        self.faulty.command("stall 4")
        self.assertGreater(reach("stalled"), 1)
        reach("live")
        self.faulty.command("drop 2")
        self.assertLess(reach("reconnecting"), 2)
        self.assertTrue(viewer.camera.reason)
        reach("live")
        locked = self.open(mount="locked", user="user:wrong@")
        self.assertTrue(wait_until(
            lambda: locked.camera.state()[1] > 20, 10), locked.reports)
        self.assertEqual(locked.camera.state()[0], "reconnecting")

    def test_timestamps_jump_forward(self):
        self.check_fault("jump 30", 0.1, 0)

    def test_timestamps_jump_back(self):
        self.check_fault("jump -30", 0.1, 0)

    def test_size_and_rate_change(self):
        viewer = self.open_live()
        self.faulty.command("size")
        self.assertTrue(wait_until(lambda: len(viewer.sizes) == 2, RESUME))
        self.assertEqual(viewer.sizes, [(640, 360), (480, 270)])
        self.assertTrue(viewer.goes_on(15))
        self.faulty.command("size")
        self.assertTrue(wait_until(lambda: len(viewer.sizes) == 3, RESUME))
        self.check_timestamps(viewer)
        self.assertEqual(viewer.warnings(), [])

    def test_corrupt_packets(self):
        viewer = self.open_live()
        self.faulty.command("corrupt 2")
        run_for(2)
        back = time.monotonic()
        self.assertTrue(
            wait_until(lambda: viewer.arrivals_after(back) > 3, RESUME))
        run_for(1)
        self.check_timestamps(viewer)
        # "damaged" at most once, and "lost" at most once: some corruption ends
        # the connection.
        kinds = [warning.split()[0] for warning in viewer.warnings()]
        self.assertEqual(sorted(set(kinds)), sorted(kinds), viewer.reports)

    def test_no_video(self):
        viewer = self.open(mount="audio")
        run_for(2)
        self.assertEqual(viewer.reports,
                         ["lost (only audio, no video); trying again"])

    def test_password(self):
        self.open_live(mount="locked", user="user:secret@")

    def test_wrong_password(self):
        viewer = self.open(mount="locked", user="user:wrong@")
        run_for(2)
        self.assertEqual(viewer.reports,
                         ["lost (wrong user or password); trying again"])
        self.assertEqual(viewer.camera.restarts, 1)
        self.assertNotIn("wrong", viewer.camera.name)

    def test_nothing_listens(self):
        viewer = Viewer("rtsp://127.0.0.1:1/none")
        self.addCleanup(viewer.close)
        run_for(2)
        self.assertEqual(len(viewer.reports), 1, viewer.reports)

    def test_udp(self):
        self.check_fault("drop 1", 1, 1, transport="udp")

    def test_threads_end(self):
        self.open_live().close()
        run_for(0.5)
        before = threads()
        for _ in range(5):
            viewer = self.open_live()
            self.faulty.command("drop 0.2")
            self.assertTrue(wait_until(
                lambda: viewer.camera.restarts and viewer.live(), 20))
            viewer.close()
        self.assertTrue(wait_until(lambda: threads() <= before, 3),
                        f"{before} threads became {threads()}")


class Upright(unittest.TestCase):
    def test_video_of_a_telephone(self):
        """Frames are turned although samples carry no tags, and no longer turned if
        the next stream is upright."""
        with tempfile.TemporaryDirectory() as folder:
            phone = pathlib.Path(folder) / "phone.mp4"
            write_phone_video(phone)
            viewer = Viewer(phone.as_uri(), kind=cameras.Clip)
            self.addCleanup(viewer.close)
            self.assertTrue(wait_until(viewer.live, 20), viewer.reports)
            width, height = viewer.sizes[-1]
            self.assertLess(width, height)
            viewer.camera.url = CLIP.as_uri()
            viewer.camera._lost("another video")
            self.assertTrue(wait_until(
                lambda: viewer.sizes[-1] == (height, width), 20), viewer.sizes)


class Loop(unittest.TestCase):
    FRAMES, RATE, ROUNDS = 20, 25, 6

    def test_every_round_has_the_pace_of_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            video = pathlib.Path(folder) / "video.mp4"
            write_phone_video(video, self.FRAMES)
            viewer = Viewer(video.as_uri(), kind=cameras.Clip)
            self.addCleanup(viewer.close)
            self.assertTrue(wait_until(viewer.live, 20), viewer.reports)
            frames = self.ROUNDS * self.FRAMES
            self.assertTrue(viewer.goes_on(frames), viewer.reports)
            self.assertEqual(viewer.warnings(), [])
        # A busy machine catches up on what it was late with, but not on rounds.
        took = viewer.arrivals[frames][0] - viewer.arrivals[0][0]
        self.assertGreater(took, 0.6 * frames / self.RATE)


class Kinds(unittest.TestCase):
    def check_rate(self, rate, *arguments, transport="tcp"):
        """Frames arrive one by one; a busy machine may lose some."""
        faulty = FaultyCamera("--rate", str(rate), *arguments)
        self.addCleanup(faulty.close)
        viewer = Viewer(faulty.url(), transport)
        self.addCleanup(viewer.close)
        self.assertTrue(wait_until(viewer.live, 20), viewer.reports)
        self.assertTrue(viewer.goes_on(2 * rate))
        times = [pts for _, pts in viewer.arrivals[-2 * rate:]]
        steps = [b - a for a, b in zip(times, times[1:])]
        self.assertAlmostEqual(statistics.median(steps), Gst.SECOND / rate,
                               delta=0.1 * Gst.SECOND / rate)

    def test_5_frames_a_second(self):
        self.check_rate(5)

    def test_60_frames_a_second(self):
        self.check_rate(60)

    def test_h265(self):
        for transport in ("tcp", "udp"):
            with self.subTest(transport):
                self.check_rate(25, "--codec", "h265", transport=transport)

    def test_rare_key_frames(self):
        """A client that connects between two key frames waits for the next one
        without connecting again."""
        faulty = FaultyCamera("--key-interval", "200")
        self.addCleanup(faulty.close)
        for _ in range(2):
            viewer = Viewer(faulty.url())
            self.addCleanup(viewer.close)
            self.assertTrue(wait_until(viewer.live, 30), viewer.reports)
        self.assertEqual(viewer.camera.restarts, 0)
        self.assertEqual(viewer.warnings(), [])


Gst.init(None)
if __name__ == "__main__":
    tap.main()
