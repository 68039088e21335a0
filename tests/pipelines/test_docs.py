#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every command and program of the README and the guide: each line in a block
marked sh, page by page, in a folder that looks like the project's. NOT_HERE lists
commands that change the system or run the tests, and the files that run them
instead."""

import json
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import ROOT, FaultyCamera, free_port, start_broker  # noqa: E402
import tap  # noqa: E402

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)

# The file that runs a command, and a part of its text.
NOT_HERE = {
    "./setup.sh": ("tests/run.sh", "./setup.sh --tests"),
    "tests/run.sh": (".ci/run", "tests/run.sh"),
    "packaging/test-debian.sh": ("packaging/test-debian.sh", "lint install"),
    "apt-get install ./out-debian/": ("packaging/test-debian.sh",
                                      "/packages/*.deb"),
    "meson setup build-prefix": ("packaging/test-dist.sh", "--prefix="),
    "meson install -C build-prefix": ("packaging/test-dist.sh",
                                      "meson install"),
    "GST_PLUGIN_PATH=$HOME/gst": ("packaging/test-dist.sh",
                                  "GST_PLUGIN_PATH="),
    "install -D -m 600 /dev/stdin /etc/fastscnn": (
        "pipelines/cameras.service.in", "LoadCredential=url:/etc/fastscnn"),
    "dask-scheduler": ("tests/pipelines/test_archive.py", '"dask-scheduler"'),
    "dask-worker": ("tests/pipelines/test_archive.py", '"dask-worker"'),
    "pipelines/archive.sh recordings --out results --scheduler": (
        "tests/pipelines/test_archive.py", '"--scheduler"'),
    "systemctl enable --now cameras@": ("pipelines/cameras.service.in",
                                        "systemctl enable --now cameras@"),
}


def commands(text):
    """The commands of a page, without comments, continuation lines joined."""
    for language, block in BLOCK.findall(text):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield line


def blocks(wanted):
    """(page, text) of every block in a language."""
    for page in PAGES:
        for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == wanted:
                yield page, block


def who_runs(command):
    return next((place for begin, place in NOT_HERE.items()
                 if command.startswith(begin)), None)


class Docs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Gst.init(None)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.videos = set()  # names of those that were checked
        for path in ROOT.iterdir():
            if not path.name.startswith((".", "build", "out")):
                (cls.folder / path.name).symlink_to(path)
        cls.camera = FaultyCamera("--clip", str(ROOT / "pipelines/street.mp4"))
        cls.addClassCleanup(cls.camera.close)
        cls.broker_port = free_port()
        cls.broker = start_broker(cls.broker_port)
        if cls.broker:
            cls.addClassCleanup(cls.broker.wait)
            cls.addClassCleanup(cls.broker.kill)
        # The beginning of the clip suffices for most commands.
        subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc",
             f"location={ROOT}/pipelines/street.mp4", "!", "qtdemux", "!",
             "h264parse", "!", "identity", "eos-after=15", "!", "mp4mux", "!",
             "filesink", f"location={cls.folder}/short.mp4"], check=True)

    def adapt(self, command):
        """Replaces the camera, broker, display and build of the page by those of
        the test, and shortens what it can."""
        for pattern, instead in (
                (r"pipelines/street\.mp4", "short.mp4"),
                (r"rtsp://camera/stream", self.camera.url("0")),
                (r"rtsp://camera/other", self.camera.url("1")),
                (r"--mqtt broker", f"--mqtt 127.0.0.1:{self.broker_port}"),
                (r"mosquitto_sub -h broker(.*)-W 20",
                 rf"mosquitto_sub -h 127.0.0.1 -p {self.broker_port}\1-W 100"),
                (r"async=true(.*)autovideosink",
                 r"async=true\1identity eos-after=40 ! fakesink"),
                (r"autovideosink", "fakesink"),
                (r"^meson devenv -C build (-w \. )?", ""),
                (r"^pipelines/demo\.sh$", "pipelines/demo.py --seconds 2"),
                (r"^pipelines/rtsp-(\w+)\.sh", r"exec pipelines/rtsp.py \1"),
                (r"--show", "--record shown.mkv"),
                (r"^pipelines/web\.sh$", "pipelines/web/web.py --seconds 4"),
                (r"^pipelines/web\.sh", "exec pipelines/web/web.py"),
                (r"^pipelines/archive\.sh recordings", "pipelines/archive/"
                 "archive.py short.mp4 --workers 1"),
                (r"--listen (\S+:)?\d+", fr"--listen \g<1>{free_port()}"),
                (r"--serve 8554", f"--serve {free_port()}")):
            command = re.sub(pattern, instead, command)
        return command

    def start(self, command):
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", self.adapt(command)], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def check(self, process, command):
        output, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, f"{command}\n{output}")
        self.assertNotRegex(output, r"(?m)^(ERROR|WARNING):", command)
        return output

    def test_every_command(self):
        count = 0
        for page in PAGES:
            for command in commands(page.read_text(encoding="utf-8")):
                if who_runs(command):
                    continue
                with self.subTest(page=page.name, command=command):
                    self.run_one(command)
                    self.check_videos(command)
                count += 1
        self.assertGreater(count, 20)
        self.assertTrue(self.videos >= {"out.mp4", "masks.mp4", "camera.mkv"})

    def run_one(self, command):
        if self.broker is None and re.search("mqtt|mosquitto", command):
            self.skipTest("no mosquitto")
        print(self.adapt(command), flush=True)
        publisher = None
        if command.startswith("mosquitto_sub"):
            publisher = self.start(
                "pipelines/rtsp-events.sh rtsp://camera/stream --mqtt broker")
        process = self.start(command)
        if command.startswith(("pipelines/rtsp-", "pipelines/web.sh ")):
            self.interrupt_when_live(process, command)
        output = self.check(process, command)
        if publisher:
            self.assertIn('"classes"', output)
            publisher.send_signal(signal.SIGINT)
            self.check(publisher, command)
        for name in re.findall(r"(?:location=|--record )(\S+)", command):
            if not name.startswith(("pipelines/", "rtsp:")):
                files = list(self.folder.glob(re.sub(r"%\d*d", "*", name)))
                self.assertTrue(files, f"{command} wrote no {name}")
                for file in files:
                    self.assertGreater(file.stat().st_size, 50, file)

    def check_videos(self, command):
        """The files that the command wrote play in browsers and on phones: H.264
        with 4:2:0 and 8 bits, without damaged frames."""
        if shutil.which("ffprobe") is None:
            self.skipTest("no ffprobe")
        for file in self.folder.glob("*.m[pk][4v]"):
            if file.name == "short.mp4" or file.is_symlink():
                continue
            probe = subprocess.run(
                ["ffprobe", "-v", "error", "-count_frames", "-show_streams",
                 "-of", "json", file], capture_output=True, text=True, check=True)
            self.assertEqual(probe.stderr, "", command)
            (stream,) = json.loads(probe.stdout)["streams"]
            self.assertEqual((stream["codec_name"], stream["pix_fmt"]),
                             ("h264", "yuv420p"), command)
            self.assertIn(stream["profile"],
                          ("Constrained Baseline", "Baseline", "Main", "High"),
                          command)
            self.assertGreater(int(stream["nb_read_frames"]), 5, command)
            self.videos.add(file.name)
            file.unlink()

    def interrupt_when_live(self, process, command):
        """Sends Ctrl-C once every camera sends frames and the recording, if there
        is one, holds more than a first frame and a few others."""
        timer = threading.Timer(120, process.kill)
        timer.start()
        cameras = command.count("rtsp://")
        while cameras and (line := process.stdout.readline()):
            cameras -= ": live" in line
        for name in re.findall(r"--record (\S+)", command):
            file = self.folder / name
            while process.poll() is None and not (
                    file.exists() and file.stat().st_size > 50000):
                time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        timer.cancel()

    def test_others_are_run_elsewhere(self):
        written = [command for page in PAGES
                   for command in commands(page.read_text(encoding="utf-8"))]
        for begin, (file, text) in NOT_HERE.items():
            self.assertTrue(any(command.startswith(begin)
                                for command in written), begin)
            self.assertIn(text, (ROOT / file).read_text(encoding="utf-8"))

    def test_programs_in_python(self):
        """Complete programs run; parts of programs are only compiled."""
        whole = set()
        for page, block in blocks("python"):
            compile(block, page.name, "exec")
            if block.startswith("import"):
                whole.add(page.name)
                command = "/usr/bin/python3 -c " + shlex.quote(block)
                self.assertRegex(self.check(self.start(command), page),
                                 r"(?m)^[\d.]+ s: .*road")
        self.assertEqual(whole, {"README.md", "applications.md", "python.md"})

    def compile(self, source, *options):
        result = subprocess.run(
            ["cc", "-Wall", "-Werror", source, *options], cwd=self.folder,
            capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def flags(self, *options):
        return subprocess.run(["pkg-config", *options], check=True,
                              capture_output=True, text=True).stdout.split()

    def test_programs_in_c(self):
        """Complete programs run; a fragment is compiled as the body of a function that
        has a buffer."""
        flags = self.flags("--cflags", "--libs", "gstreamer-classmask-1.0",
                           "gstreamer-app-1.0")
        source = self.folder / "program.c"
        whole = parts = 0
        for page, block in blocks("c"):
            if "int main" in block:
                whole += 1
                source.write_text(self.adapt(block))
                self.compile(source, "-o", "program", *flags)
                lines = self.check(self.start("./program"), page).splitlines()
                self.assertGreater(len(lines), 10)
                for line in lines:
                    self.assertRegex(line, r"^[\d.]+ s: [\d.]+ % road$")
            else:
                parts += 1
                source.write_text(
                    "#include <gst/classmask/classmask.h>\n"
                    "void part (GstBuffer *buffer);\n"
                    f"void part (GstBuffer *buffer)\n{{\n{block}\n}}\n")
                self.compile(source, "-fsyntax-only", "-Wno-unused-variable",
                             *flags)
        self.assertEqual((whole, parts), (1, 1))

    def test_properties_to_choose(self):
        """Every property of the table exists, and takes the value."""
        text = (ROOT / "docs/guide/choosing.md").read_text(encoding="utf-8")
        count = 0
        for line in text.splitlines():
            found = re.match(r"\|[^|]*\| `(fastscnn|classmask\w+)`[^|]*\|(.*)\|",
                             line)
            for setting in re.findall(r"`([^`]*)`", found[2]) if found else ():
                if setting.startswith(("format=", "analytics-meta=")):
                    continue  # caps; not in every GStreamer
                with self.subTest(line=line):
                    if "=" in setting:  # raises, if not
                        Gst.parse_launch(f"{found[1]} {setting}")
                    else:
                        element = Gst.ElementFactory.make(found[1])
                        self.assertIsNotNone(element.find_property(setting))
                count += 1
        self.assertGreater(count, 25)

    def test_element_of_architecture(self):
        """The example element compiles."""
        text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
        (source,) = [block for language, block in BLOCK.findall(text)
                     if language == "cpp"]
        header = (ROOT / "gst/fastscnn/gstfastscnn.h").read_text(
            encoding="utf-8")
        for ours, other in (("FAST_SCNN", "BRIGHTNESS"),
                            ("FastScnn", "Brightness"),
                            ("fast_scnn", "brightness"),
                            ("(fastscnn)", "(brightness)")):
            header = header.replace(ours, other)
        folder = self.folder / "include/gst/brightness"
        folder.mkdir(parents=True)
        (folder / "gstbrightness.h").write_text(header)
        (folder / "gstbrightness.cpp").write_text(source)
        flags = self.flags("--cflags", "gstreamer-base-1.0", "gstreamer-video-1.0")
        result = subprocess.run(
            ["c++", "-std=gnu++17", "-fsyntax-only", "-Wall", "-Werror",
             f"-I{self.folder}/include", f"-I{ROOT}", *flags,
             folder / "gstbrightness.cpp"],
            capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_files_that_they_name(self):
        folders = "pipelines|tests|models|docs|packaging|net|cpu|cuda|gst"
        for page in (*PAGES, ROOT / "docs/architecture.md",
                     *ROOT.glob("[CS]*.md")):
            names = re.findall(rf"(?<![\w/.<])(?:{folders})/[\w./-]+\w",
                               page.read_text(encoding="utf-8"))
            for name in names:
                self.assertTrue((ROOT / name).exists() or "brightness" in name,
                                f"{page.name}: {name}")


if __name__ == "__main__":
    tap.main()
