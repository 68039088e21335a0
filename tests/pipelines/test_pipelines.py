#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole pipelines on real video: files, RTSP on loopback."""

import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import (CLIP, ROOT, free_port, start_broker,  # noqa: E402
                     wait_until)
from videos import TestCase, decode, pull, run  # noqa: E402
import tap  # noqa: E402
import gi

gi.require_version("GstClassMask", "1.0")
from gi.repository import Gst, GstClassMask  # noqa: E402

MASKS = CLIP.with_name("street-masks.mkv")


class Files(TestCase):
    def test_overlay(self):
        """The pipeline of the README draws on much of each frame."""
        out = self.folder / "out.mp4"
        line = (f"filesrc location={CLIP} ! decodebin ! identity eos-after=51 ! "
                "videoconvert ! fastscnn ! classmaskoverlay ! videoconvert ! "
                f"x264enc ! mp4mux ! filesink location={out}")
        result = run("gst-launch-1.0", *line.split())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.check_video(out, 50)
        caps = "video/x-raw,format=GRAY8"
        for (_, before), (_, after) in zip(decode(CLIP, caps),
                                           decode(out, caps)):
            changed = sum(abs(a - b) > 12 for a, b in zip(before[::97],
                                                          after[::97]))
            self.assertGreater(changed, len(before[::97]) // 5)

    def test_clip_is_right(self):
        """Compares the mask of every frame with the ground truth."""
        import numpy
        sys.path.insert(0, str(ROOT / "models"))
        from metrics import Confusion
        masks = pull(f'filesrc location="{CLIP}" ! decodebin ! '
                     "videoconvert ! fastscnn ! classmaskextract ! "
                     "video/x-raw,format=GRAY8 ! appsink name=out")
        truths = decode(MASKS, "video/x-raw,format=GRAY8")
        confusion = Confusion(11)
        frames = 0
        for (_, mask), (_, truth) in zip(masks, truths, strict=True):
            confusion.add(*(numpy.frombuffer(ids, numpy.uint8)
                            for ids in (truth, mask)))
            frames += 1
        self.assertGreaterEqual(frames, 200)
        print(f"clip: {confusion.miou():.4f}", confusion.iou().round(3).tolist())
        self.assertGreaterEqual(confusion.miou(), 0.80)


class Rtsp(TestCase):
    def test_masks_and_overlay(self):
        out = self.folder / "out.mp4"
        pipeline = Gst.parse_launch(
            f"rtspsrc location={self.camera().url()} ! decodebin ! "
            "videoconvert ! fastscnn ! identity name=seen ! "
            "classmaskoverlay ! videoconvert ! x264enc tune=zerolatency ! "
            f'mp4mux ! filesink location="{out}"')
        seen = []

        def look(_pad, info):
            meta = GstClassMask.buffer_get_class_mask_meta(info.get_buffer())
            seen.append(meta and set(meta.mask.extract_dup(
                0, meta.mask.get_size())))
            return Gst.PadProbeReturn.OK

        pipeline.get_by_name("seen").get_static_pad("src").add_probe(
            Gst.PadProbeType.BUFFER, look)
        pipeline.set_state(Gst.State.PLAYING)
        self.assertTrue(wait_until(lambda: len(seen) > 40, 60))
        pipeline.send_event(Gst.Event.new_eos())
        message = pipeline.get_bus().timed_pop_filtered(
            10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        pipeline.set_state(Gst.State.NULL)
        self.assertEqual(message and message.type, Gst.MessageType.EOS)
        self.assertTrue(all(classes and len(classes) > 3 for classes in seen))
        self.check_video(out, len(seen) - 1, len(seen))


class Scripts(TestCase):
    RTSP = ROOT / "pipelines" / "rtsp.py"

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            [str(word) for word in (self.RTSP, *arguments)], text=True,
            stderr=subprocess.PIPE, **options)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=40)
        self.assertEqual(process.returncode, 0, errors)
        self.assertNotIn("Deprecat", errors)
        return output, errors

    def wait_for(self, process, word, count=1):
        """Waits until count lines of stderr have the word; returns all lines."""
        lines = []
        timer = threading.Timer(60, process.kill)
        timer.start()
        while sum(word in line for line in lines) < count:
            lines.append(process.stderr.readline())
            self.assertTrue(lines[-1], f"no {word!r} in {lines}, "
                                       f"exit status {process.poll()}")
        timer.cancel()
        return "".join(lines)

    def record(self, url, name):
        out = self.folder / name
        return self.start("overlay", url, "--record", out), out

    def test_record_through_faults(self):
        faulty = self.camera()
        recordings = [self.record(faulty.url(str(number)), f'the "out".{kind}')
                      for number, kind in enumerate(("mp4", "mkv"))]
        said = [self.wait_for(process, "live") for process, _ in recordings]
        time.sleep(2)
        faulty.command("size")
        time.sleep(2)
        faulty.command("drop 1")
        for number, (process, _) in enumerate(recordings):
            said[number] += self.wait_for(process, "live")
        time.sleep(2)
        for (process, out), before in zip(recordings, said):
            errors = before + self.stop(process)[1]
            self.assertEqual(errors.count("lost"), 1, errors)
            self.check_video(out, 40)

    def test_record_survives_a_kill(self):
        faulty = self.camera()
        recordings = [self.record(faulty.url(str(number)), f"out.{kind}")
                      for number, kind in enumerate(("mp4", "mkv"))]
        for process, _ in recordings:
            self.wait_for(process, "live")
        time.sleep(2)
        faulty.command("size")
        time.sleep(3)
        for process, out in recordings:
            process.kill()
            process.wait()
            self.check_video(out, 25)

    def test_record_nothing(self):
        process, _ = self.record("rtsp://127.0.0.1:1/none", "out.mp4")
        self.wait_for(process, "lost")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=40)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(errors, r"^rtsp-overlay\.sh: no frame[^\n]*\n$")

    def test_serve(self):
        faulty = self.camera()
        port = free_port()
        process = self.start("overlay", faulty.url(), "--serve", port)
        self.assertIn(f"rtsp://127.0.0.1:{port}/overlay",
                      process.stderr.readline())
        self.wait_for(process, "live")
        frames = list(pull(
            f"rtspsrc location=rtsp://127.0.0.1:{port}/overlay "
            "protocols=tcp ! decodebin ! identity eos-after=40 ! "
            "appsink name=out", picture=False))
        self.assertGreaterEqual(len(frames), 39)
        self.stop(process)

    def test_wall(self):
        faulty = self.camera()
        out = self.folder / "out.mp4"
        urls = [faulty.url(str(number)) for number in range(3)]
        nobody = "rtsp://127.0.0.1:1/none"
        process = self.start("wall", *urls, nobody, "--record", out,
                             "--size", "640x360")
        self.wait_for(process, "live", len(urls))
        time.sleep(1)
        faulty.command("drop 5")  # longer than the last frame stays visible
        self.wait_for(process, "live", len(urls))
        time.sleep(2)
        self.stop(process)
        self.check_video(out, 40)
        seen = [self.tiles(picture) for _, picture in decode(
            out, "video/x-raw,format=GRAY8")]
        self.assertEqual(seen[-1], [True, True, True, False])
        first = seen.index([True, True, True, False])
        for tile in range(len(urls)):  # each turned dark for a while
            self.assertFalse(all(shown[tile] for shown in seen[first:]))

    @staticmethod
    def tiles(picture):
        """Which of the four tiles of 640x360 show more than one grey."""
        shown = []
        for top, left in ((20, 20), (20, 340), (200, 20), (200, 340)):
            values = sorted(
                value for y in range(top, top + 140, 3)
                for value in picture[y * 640 + left:y * 640 + left + 280:7])
            tenth = len(values) // 10
            shown.append(values[-tenth] - values[tenth] > 20)
        return shown

    def check_event(self, line):
        import json
        import jsonschema
        schema = next(ROOT.glob("**/classmaskjson.schema.json"))
        event = json.loads(line)
        jsonschema.validate(event, json.loads(schema.read_text()))
        self.assertGreater(len(event["classes"]), 3)

    def test_events(self):
        process = self.start("events", self.camera().url(), "--rate", 4,
                             stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        for _ in range(6):
            self.check_event(process.stdout.readline())
        self.stop(process)

    def test_mqtt_lines_are_whole(self):
        """Even if they are long and the broker takes them slowly."""
        sys.path.insert(0, str(ROOT / "pipelines"))
        import outputs
        out = self.folder / "lines"
        publisher = outputs.MqttPublisher("nowhere", "topic", print)
        publisher.command = [
            "sh", "-c", f"while ! [ -e {out} ]; do sleep 0.1; done; exec cat > {out}"]
        publisher.start()
        for number in range(30):  # more than the pipe holds
            publisher.publish(f"{number:010000}\n")
        out.touch()
        for number in range(30, 60):
            size = out.stat().st_size
            publisher.publish(f"{number:010000}\n")
            self.assertTrue(wait_until(lambda: out.stat().st_size > size, 60))
        publisher.stop()
        lines = out.read_text().splitlines()
        self.assertEqual({len(line) for line in lines}, {10000})
        numbers = [int(line.lstrip("0") or 0) for line in lines]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(numbers[0], 0)
        self.assertLess(len(numbers), 60)
        self.assertEqual(numbers[-1], 59)

    def test_events_to_mqtt(self):
        faulty = self.camera()
        port = free_port()

        def open_broker():
            process = start_broker(port)
            if process is None:
                self.skipTest("no mosquitto")
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            return process

        def listen(count):
            return run("mosquitto_sub", "-p", port, "-t", "fastscnn/#",
                       "-C", count, "-W", 60, "-v").stdout.splitlines()

        server = open_broker()
        process = self.start("events", faulty.url(), "--rate", 4,
                             "--mqtt", f"127.0.0.1:{port}")
        topic = f"fastscnn/127.0.0.1:{faulty.port}/0 "
        for line in listen(4):
            self.assertTrue(line.startswith(topic), line)
            self.check_event(line[len(topic):])
        server.kill()
        server.wait()
        time.sleep(2)
        open_broker()
        self.assertEqual(len(listen(3)), 3)
        _, errors = self.stop(process)
        self.assertLessEqual(errors.count("broker"), 1, errors)


class Service(TestCase):
    """The program that systemd runs for a camera."""

    def start(self, **options):
        """Starts the program; returns it and the socket that it notifies."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(str(self.folder / "notify"))
        process = subprocess.Popen(
            [str(ROOT / "pipelines" / "rtsp.py"), "events",
             self.camera().url(), "--rate", "25"],
            env={**os.environ, "NOTIFY_SOCKET": listener.getsockname()},
            stderr=subprocess.DEVNULL, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        listener.settimeout(30)
        self.assertEqual(listener.recv(99), b"READY=1")
        return process, listener

    def test_lives(self):
        _, listener = self.start(stdout=subprocess.DEVNULL)
        for _ in range(3):
            self.assertEqual(listener.recv(99), b"WATCHDOG=1")

    def test_hangs(self):
        """No notification if frames arrive but nobody reads the lines."""
        process, listener = self.start(stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        listener.settimeout(11)  # it notifies every 5 seconds
        with self.assertRaises(TimeoutError):
            for _ in range(6):
                self.assertEqual(listener.recv(99), b"WATCHDOG=1")

    def test_unit(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze")
        unit = self.folder / "cameras@door.service"
        template = ROOT / "pipelines" / "cameras.service.in"
        unit.write_text(template.read_text().replace(
            "@programs_dir@", str(ROOT / "pipelines")))
        result = run("systemd-analyze", "verify", unit)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    tap.main()
