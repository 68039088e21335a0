#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uses an installation like another project does: with pkg-config, with
`import gi`, and by reading JSON. Runs the example applications in an empty folder
on the bundled clip.

    test_installed.py BUILD PREFIX LIBDIR
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

BUILD, PREFIX, LIBDIR = sys.argv[1:4]
FRAMES = 8  # of the clip; it has 25 a second


def run(*command, **options):
    """The output of a command, which must not fail."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.work = pathlib.Path(cls.folder.name)
        stage = cls.work / "stage"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
            "--destdir", stage)
        cls.prefix = stage / PREFIX.lstrip("/")
        cls.lib = cls.prefix / LIBDIR
        if not (cls.lib / "fastscnn/libfastscnn-cpu.so").exists():
            raise unittest.SkipTest("the CPU engine is not built")

        # Tell pkg-config where the staged installation is.
        file = cls.lib / "pkgconfig/gstreamer-classmask-1.0.pc"
        file.write_text(re.sub(r"(?m)^prefix=.*", f"prefix={cls.prefix}",
                               file.read_text()))
        cls.clip = cls.work / "clip.mp4"
        # No variable may point into the build tree.
        cls.env = {name: value for name, value in os.environ.items()
                   if not name.startswith(
                        ("FASTSCNN_", "GI_", "LD_", "PYTHON"))}
        cls.env |= {
            "GST_PLUGIN_PATH": str(cls.lib / "gstreamer-1.0"),
            "GST_REGISTRY": str(cls.work / "registry.bin"),
            "PKG_CONFIG_PATH": str(cls.lib / "pkgconfig"),
            "LD_LIBRARY_PATH": str(cls.lib),
            "GI_TYPELIB_PATH": str(cls.lib / "girepository-1.0"),
        }
        # Python would find it by itself in a system prefix that is not staged.
        for file in cls.prefix.glob("lib/python*/*/gi/overrides/GstClassMask.py"):
            cls.env["PYTHONPATH"] = str(file.parents[2])
        cls.run_outside("gst-launch-1.0", "-q", "filesrc",
                f"location={ROOT}/pipelines/street.mp4", "!", "qtdemux", "!",
                "h264parse", "!", "identity", f"eos-after={FRAMES}", "!",
                "mp4mux", "!", "filesink", f"location={cls.clip}")

    @classmethod
    def run_outside(cls, *command):
        return run(*command, cwd=cls.work, env=cls.env)

    @classmethod
    def copy(cls, app):
        """Copies an example application to the empty folder."""
        return shutil.copy(ROOT / "pipelines/apps" / app, cls.work)

    def test_pkg_config(self):
        source = self.copy("mask_appsink.c")
        flags = self.run_outside(
            "pkg-config", "--cflags", "--libs", "gstreamer-classmask-1.0",
            "gstreamer-app-1.0").split()
        self.assertFalse([flag for flag in flags if str(ROOT) in flag])
        self.run_outside("cc", "-Wall", "-Werror", source, "-o", "mask_appsink",
                         *flags)
        lines = self.run_outside("./mask_appsink", self.clip).splitlines()
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^0\.0 s: road [0-9.]+ %")
        self.assertGreater(float(lines[0].split()[3]), 10)

    def test_pkg_config_of_gi(self):
        self.assertTrue(pathlib.Path(self.run_outside(
            "pkg-config", "--variable=typelibdir",
            "gstreamer-classmask-1.0").strip()).is_dir())

    def test_gi(self):
        if not (self.lib / "girepository-1.0").is_dir():
            self.skipTest("introspection is not built")
        lines = self.run_outside(self.copy("mask_numpy.py"), self.clip,
                                 "--frames", "5").splitlines()
        self.assertEqual(len(lines), 5)
        for line in lines:
            shares = dict(re.findall(r"([a-z]+) ([0-9.]+)%", line))
            self.assertAlmostEqual(sum(map(float, shares.values())), 100,
                                   delta=1)
            self.assertGreater(float(shares["road"]), 10)

    def test_gi_knows_masks_of_others(self):
        """A receiver of another process's masks can register them without the
        plugin."""
        if not (self.lib / "girepository-1.0").is_dir():
            self.skipTest("introspection is not built")
        known = self.run_outside(
            "/usr/bin/python3", "-c",
            "import gi\n"
            "gi.require_version('Gst', '1.0')\n"
            "gi.require_version('GstClassMask', '1.0')\n"
            "from gi.repository import Gst, GstClassMask\n"
            "Gst.init(None)\n"
            "GstClassMask.Meta.get_info()\n"
            "GstClassMask.summary_get_info()\n"
            "for name in 'GstClassMaskMeta', 'ClassMaskSummary':\n"
            "    print(Gst.meta_get_info(name) is not None)\n")
        self.assertEqual(known.split(), ["True", "True"])

    def test_rtsp(self):
        if not (self.lib / "girepository-1.0").is_dir():
            self.skipTest("introspection is not built")
        camera = subprocess.Popen(
            [ROOT / "tests/support/camera.py"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        try:
            port = camera.stdout.readline().strip()
            if not port:
                self.skipTest("gst-rtsp-server's typelib is not installed")
            lines = self.run_outside(
                self.copy("mask_numpy.py"), f"rtsp://127.0.0.1:{port}/0",
                "--frames", "2").splitlines()
            self.assertEqual(len(lines), 2)
        finally:
            camera.stdin.close()
            camera.stdout.close()
            camera.wait(10)

    def test_json(self):
        self.run_outside(
            "gst-launch-1.0", "-q", "filesrc", f"location={self.clip}", "!",
            "decodebin", "!", "videoconvert", "!", "fastscnn", "!",
            "classmaskjson", "regions=true", "rle=true", "!", "filesink",
            "location=masks.jsonl")
        lines = (self.work / "masks.jsonl").read_text().splitlines()
        self.assertGreaterEqual(len(lines), FRAMES - 2)
        frames = [json.loads(line) for line in lines]
        self.validate(frames)
        times = [frame["running_time"] for frame in frames]
        self.assertEqual(times, sorted(set(times)))
        for frame in frames:
            area = sum(entry["pixels"] for entry in frame["classes"])
            self.assertEqual(area + frame["unknown"]["pixels"],
                             frame["width"] * frame["height"])
            shares = {entry["label"]: entry["fraction"]
                      for entry in frame["classes"]}
            self.assertGreater(shares["road"], 0.1)

    def validate(self, frames):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((self.prefix / "share/fastscnn/"
                             "classmaskjson.schema.json").read_text())
        for frame in frames:
            jsonschema.validate(frame, schema)

    def test_messages(self):
        """Road covers a tenth of the clip from the first frame on."""
        lines = self.run_outside(
            self.copy("people_alarm.py"), self.clip, "--label", "road",
            "--percent", "10", "--seconds", "0.2").splitlines()
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"^0\.2\d s: begins, road cover ")

    def test_failure(self):
        for app in "mask_numpy.py", "people_alarm.py":
            done = subprocess.run(
                [self.copy(app), "missing.mp4"], cwd=self.work, env=self.env,
                capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "^[a-z_]+: .*(not found|not exist)")


if __name__ == "__main__":
    sys.argv[1:] = []
    tap.main()
