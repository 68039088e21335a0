#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""setup.sh with fakes of the tools that it runs: what it installs, configures and
reports."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

# Each fake records its arguments. Files that the tests write control its behaviour.
FAKES = {
    "dpkg-query": 'sed "s/^/installed /" installed',
    "sudo": 'exec "$@" 3>&-',
    "apt-get": """
        [ "$1" = install ] || exit 0
        for package; do echo "$package"; done >> installed
        for n in 10 60; do echo "dlstatus:1:$n.5:Retrieving" >&3; done
        for n in 20 70; do echo "pmstatus:g++:$n.2:Unpacking g++" >&3; done
        echo unpacking""",
    "nvidia-smi": "cat gpu",
    "nvcc": "echo sm_90",
    "meson": """
        echo "$CFLAGS|$CXXFLAGS" > flags
        cat meson-says
        mkdir -p build/meson-info
        touch build/build.ninja
        test ! -e meson-fails""",
    "ninja": """
        if [ "$3" = -n ]; then test -e to-do || echo "ninja: no work to do."; exit
        fi
        echo "[1/4] Compiling a.cpp"
        echo "a.cpp: warning"
        echo "[4/4] Linking a"
        test ! -e ninja-fails""",
}


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        shutil.copy(ROOT / "setup.sh", self.folder)
        tools = self.folder / "tools"
        tools.mkdir()
        for name, text in FAKES.items():
            tool = tools / name
            tool.write_text(f'#!/bin/sh\necho "{name} $*" >> calls\n{text}\n')
            tool.chmod(0o755)
        for name in ("installed", "meson-says"):
            self.write(name, "")
        self.write("to-do", "")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_setup(self, *options, terminal=False, fails=False):
        """(its output, the command lines of the tools that it ran)."""
        self.write("calls", "")
        path = f"{self.folder / 'tools'}:{os.environ['PATH']}"
        command = [str(self.folder / "setup.sh"), *options]
        if terminal:
            command = ["script", "--quiet", "--return", "--command",
                       " ".join(command), "/dev/null"]
        result = subprocess.run(
            command, env=dict(os.environ, PATH=path), cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60)
        output = result.stdout.decode()
        self.assertEqual(result.returncode != 0, fails, output)
        return output, (self.folder / "calls").read_text()

    def meson(self, calls):
        return [line.split()[1:] for line in calls.splitlines()
                if line.startswith("meson ")]

    def built_with(self, **options):
        """A build folder with these options."""
        entries = ", ".join(
            f'{{"name": "{name}", "value": {value}}}'
            for name, value in options.items())
        self.write("build/meson-info/intro-buildoptions.json", f"[{entries}]")
        self.write("build/build.ninja", "")

    def test_says_how_far_it_is(self):
        output, _ = self.run_setup("--demo")
        self.assertEqual(
            [line for line in output.splitlines() if " done in " not in line][1:],
            [f"setup: {step}" for step in (
                "1/3 reading the lists of packages", "1/3 downloading packages",
                "1/3 installing packages", "2/3 configuring", "3/3 compiling")])
        self.assertEqual(output.count(" done in "), 3)

    def test_terminal_shows_percentages(self):
        output, _ = self.run_setup("--demo", terminal=True)
        for text in ("1/3 downloading packages: 60 %",
                     "1/3 installing packages: 70 %", "3/3 compiling: 25 %"):
            self.assertIn(f"\r\033[Ksetup: {text}", output)
        self.assertNotIn("warning", output)
        self.assertNotIn("unpacking", output)

    def test_nothing_to_do_is_quiet(self):
        self.run_setup()
        (self.folder / "to-do").unlink()
        output, calls = self.run_setup()
        self.assertEqual(output, "")
        self.assertFalse(self.meson(calls))

    def test_demo_installs_less(self):
        self.run_setup("--demo")
        demo = set((self.folder / "installed").read_text().split())
        self.assertIn("gstreamer1.0-libav", demo)
        self.assertNotIn("libgstreamer-plugins-bad1.0-dev", demo)
        # Missing packages are installed later, and the build is reconfigured.
        _, calls = self.run_setup()
        everything = set((self.folder / "installed").read_text().split())
        self.assertIn("libgstreamer-plugins-bad1.0-dev", everything)
        self.assertNotIn("chromium", everything)
        self.assertEqual(self.meson(calls), [["setup", "--reconfigure", "build"]])

    def test_builds_what_runs(self):
        self.write("gpu", "")
        _, calls = self.run_setup()
        self.assertEqual(self.meson(calls)[0], [
            "setup", "-Dtests=false", "-Dbench=false", "-Dcuda=disabled", "build"])

    def test_flags_of_the_user_count(self):
        with unittest.mock.patch.dict(os.environ, CFLAGS="-Og -g"):
            os.environ.pop("CXXFLAGS", None)
            self.run_setup()
        self.assertEqual((self.folder / "flags").read_text(),
                         "-g1 -Og -g|-g1 \n")

    def test_tests_are_added(self):
        for gpus, archs in {"": "80,90", "9.0\n": "90"}.items():
            self.write("gpu", gpus)
            self.run_setup()
            self.built_with(tests="false", cuda='"disabled"')
            _, calls = self.run_setup("--tests")
            self.assertEqual(self.meson(calls), [[
                "setup", "--reconfigure", "-Dtests=true", "-Dbench=true",
                "-Dcuda=auto", f"-Dcuda-archs={archs}", "build"]])
        self.built_with(tests="true", cuda='"auto"')
        for options in (), ("--demo",), ("--tests",):
            _, calls = self.run_setup(*options)
            self.assertFalse(self.meson(calls), options)

    def test_tests_alone(self):
        for gpus, archs in {"": "80,90", "9.0\n": "90"}.items():
            self.write("gpu", gpus)
            shutil.rmtree(self.folder / "build", ignore_errors=True)
            _, calls = self.run_setup("--tests")
            self.assertEqual(self.meson(calls)[0],
                             ["setup", f"-Dcuda-archs={archs}", "build"])

    def test_gpu(self):
        for gpus, archs in {"9.0\n9.0\n": "90", "9.0\n12.1\n": ""}.items():
            self.write("gpu", gpus)
            shutil.rmtree(self.folder / "build", ignore_errors=True)
            _, calls = self.run_setup()
            self.assertEqual(self.meson(calls)[0], [
                "setup", "-Dtests=false", "-Dbench=false",
                f"-Dcuda-archs={archs}", "build"])

    def test_gpu_without_toolkit(self):
        self.write("gpu", "9.0\n")
        self.write("meson-says", "  CUDA engine        : NO\n")
        output, _ = self.run_setup()
        self.assertIn("no CUDA Toolkit", output)

    def test_cuda_without_gpu(self):
        self.write("gpu", "")
        _, calls = self.run_setup("--cuda")
        self.assertEqual(self.meson(calls)[0][-2:], ["-Dcuda=enabled", "build"])
        self.built_with(tests="false", cuda='"disabled"')
        _, calls = self.run_setup("--cuda")
        self.assertEqual(self.meson(calls),
                         [["setup", "--reconfigure", "-Dcuda=enabled", "build"]])

    def test_help(self):
        output, calls = self.run_setup("--help")
        self.assertIn("--demo", output)
        self.assertIn("--cuda", output.splitlines()[-1])
        self.assertEqual(calls, "")

    def test_failures_show_the_log(self):
        self.write("ninja-fails", "")
        output, _ = self.run_setup(fails=True)
        self.assertIn("a.cpp: warning", output)
        self.assertNotIn("[1/4]", output)
        self.assertIn("compiling build/ failed", output)
        self.write("meson-fails", "")
        self.write("meson-says", "no Highway")
        shutil.rmtree(self.folder / "build")
        output, _ = self.run_setup(fails=True)
        self.assertIn("no Highway", output)
        self.assertIn("failed to configure", output)


if __name__ == "__main__":
    tap.main()
