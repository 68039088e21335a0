# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers for tests of whole pipelines: decoding, programs, cameras."""

import pathlib
import subprocess
import tempfile
import unittest

import gi
from streams import CLIP, FaultyCamera

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401


def pull(launch, picture=True):
    """Runs a pipeline that ends in "appsink name=out"; yields (pts, bytes)
    of every buffer. Raises RuntimeError with the error message of the pipeline."""
    pipeline = Gst.parse_launch(launch)
    out = pipeline.get_by_name("out")
    out.set_property("sync", False)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            sample = out.emit("try-pull-sample", 60 * Gst.SECOND)
            if sample is None:
                break
            buffer = sample.get_buffer()
            yield buffer.pts, (buffer.extract_dup(0, buffer.get_size())
                               if picture else None)
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message:
            raise RuntimeError(message.parse_error()[0].message)
        if not out.get_property("eos"):
            raise RuntimeError("no frame for a minute")
    finally:
        pipeline.set_state(Gst.State.NULL)


def decode(path, caps="video/x-raw", picture=True):
    location = str(path).replace('"', '\\"')
    return pull(f'filesrc location="{location}" ! decodebin ! videoconvert ! '
                f"{caps} ! appsink name=out", picture)


def run(*command, cwd=None, env=None):
    return subprocess.run([str(word) for word in command], cwd=cwd, env=env, text=True,
                          capture_output=True, timeout=300, check=False)


class TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check_video(self, path, at_least, at_most=None):
        """Decodes the video, whose timestamps must grow; returns the number of
        frames."""
        times = [pts for pts, _ in decode(path, picture=False)]
        self.assertGreaterEqual(len(times), at_least)
        if at_most is not None:
            self.assertLessEqual(len(times), at_most)
        self.assertTrue(all(a < b for a, b in zip(times, times[1:])))
        return len(times)

    def camera(self, *arguments):
        faulty = FaultyCamera("--clip", str(CLIP), *arguments)
        self.addCleanup(faulty.close)
        return faulty


Gst.init(None)
