#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The elements in a process that loads libstdc++ before GStreamer, like Python
when it imports OpenCV, NumPy or PyTorch first. Debian's libgstreamer links to
libunwind, whose functions clash with those of libgcc. Exceptions do not work then,
so the elements must never throw."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import tap  # noqa: E402

SOURCE = "videotestsrc num-buffers=3"


def play(line):
    """Prints how a pipeline ended."""
    import ctypes
    ctypes.CDLL("libstdc++.so.6")
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    pipeline = Gst.parse_launch(line)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message is None:
        print("timeout")
    elif message.type == Gst.MessageType.EOS:
        print("eos")
    else:
        print("error:", message.parse_error()[0].message)
    pipeline.set_state(Gst.State.NULL)


class LibstdcxxFirst(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.nonsense = pathlib.Path(folder.name, "nonsense")
        self.nonsense.write_bytes(b"{\0" * 100)

    def check(self, line, end):
        child = subprocess.run(
            [sys.executable, __file__, "--play", f"{SOURCE} ! {line} ! fakesink"],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(child.returncode, 0, child.stderr)
        self.assertRegex(child.stdout, f"^{end}", child.stderr)

    def test_normal_operation(self):
        """Without a GPU, backend=auto falls back to the CPU."""
        self.check("fastscnn backend=auto ! classmaskoverlay", "eos")

    def test_async(self):
        self.check("fastscnn backend=cpu async=true", "eos")

    def test_bad_models(self):
        for model in (self.nonsense, self.folder):
            self.check(f"fastscnn backend=cpu model-file={model}",
                       "error: The model file .* cannot be (used|read): ")
        self.check(f"fastscnn model-file={self.folder}/none",
                   "error: There is no model file ")

    def test_bad_palettes(self):
        self.check(f"classmaskoverlay palette={self.nonsense}",
                   "error: The palette .* cannot be used: line 1: ")
        for name in (self.folder, f"{self.folder}/none"):
            self.check(f"classmaskoverlay palette={name}",
                       "error: The palette .* cannot be read; ")

    def test_unusable_backend(self):
        self.check("fastscnn backend=cuda cuda-device-id=99",
                   "error: .*(CUDA device 99|engine (cannot|is not))")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--play"]:
        play(sys.argv[2])
    else:
        tap.main()
