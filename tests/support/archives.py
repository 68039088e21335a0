# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recordings, and the results of one process for them, for tests of
pipelines/archive."""

import functools
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

SMALL = "infer-width=64 infer-height=32"
# A batch that lasts long enough to be interrupted.
SLOW, MANY = "infer-width=256 infer-height=128", 400
# A picture that changes everywhere, with a key frame every 10 frames.
PICTURE = ("videotestsrc pattern=ball num-buffers={frames} ! "
           "video/x-raw,width=160,height=96,framerate=25/1 ! videoconvert ! ")
H264 = "x264enc key-int-max=10 bframes=2 b-adapt=false speed-preset=ultrafast "
CODECS = {
    "closed.mp4": H264 + "! mp4mux",
    "closed.ts": H264 + "! mpegtsmux",
    "open.mkv": H264 + "option-string=open-gop=1 ! matroskamux",
    "h265.mp4": "x265enc key-int-max=10 speed-preset=ultrafast "
                "option-string=open-gop=1:min-keyint=10 ! h265parse ! mp4mux",
    "vp8.webm": "vp8enc keyframe-max-dist=10 deadline=1 ! webmmux",
    "jpeg.avi": "jpegenc ! avimux",
    "mpeg4.avi": "avenc_mpeg4 gop-size=10 ! avimux",
}


def launch(line):
    result = subprocess.run(["gst-launch-1.0", "-q", *shlex.split(line)],
                            capture_output=True, text=True, check=False)
    if result.returncode or "ERROR" in result.stderr:
        raise AssertionError(f"{line}\n{result.stderr}")


def record(path, frames=40, codec=None):
    launch(PICTURE.format(frames=frames) + (codec or CODECS["closed.mp4"])
           + f" ! filesink location={path}")
    return path

def one_process(path, properties, lines, masks=None, decoder="decodebin"):
    """The results of a plain pipeline."""
    launch(f"filesrc location={path} ! {decoder} ! videoconvert ! "
           f"videoflip video-direction=auto ! fastscnn {properties} ! "
           f"tee name=tee ! queue ! classmaskjson wall-clock=false ! "
           f"filesink location={lines}"
           + (" tee. ! queue ! classmaskextract ! video/x-raw,format=GRAY8 ! "
              f"avenc_ffv1 gop-size=1 ! matroskamux ! filesink location={masks}"
              if masks else ""))
    return pathlib.Path(lines).read_bytes()


def read_video(path):
    """Returns [(pts, pixels)]."""
    pipeline = Gst.parse_launch(
        f"filesrc location={path} ! decodebin ! video/x-raw,format=GRAY8 ! "
        "appsink name=out sync=false")
    pipeline.set_state(Gst.State.PLAYING)
    frames = []
    while sample := pipeline.get_by_name("out").pull_sample():
        buffer = sample.get_buffer()
        frames.append((buffer.pts, buffer.extract_dup(0, buffer.get_size())))
    pipeline.set_state(Gst.State.NULL)
    return frames


@functools.cache
def long_recording():
    """Returns (path, the lines that one process writes for it, path of the masks)."""
    folder = pathlib.Path(tempfile.mkdtemp())
    unittest.addModuleCleanup(shutil.rmtree, folder)
    path = record(folder / "a.mp4", MANY)
    return path, one_process(path, SLOW, folder / "one.jsonl",
                             folder / "one.mkv"), folder / "one.mkv"

class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
