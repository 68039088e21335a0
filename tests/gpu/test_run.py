#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests run.sh with programs that only print their names: the order of its steps,
its messages for missing tools and failing programs, and its time limits."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "tests/gpu/run.sh"
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

PROGRAMS = ["bench-handover", "bench-blocks", "bench-parallel",
            "test-gpu-kernels", "test-gpu-fused", "test-gpu-painter",
            "test-gpu-engine", "test-gpu-element"]
LINE = {"memory": "device", "width": 512, "height": 256, "ms_median": 0.1,
        "ms_p95": 0.2, "fps": 10000.0, "peak_bytes": 2000000}
TOTAL = 595  # seconds, and five to kill the last program
SLACK = 30   # for run.sh itself, on a busy machine


class Run(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tools = self.folder / "tools"
        for tool in "bash", "dirname", "sed", "awk", "grep", "cat", "tee", "timeout", "tail":
            (self.tools / tool).parent.mkdir(exist_ok=True)
            (self.tools / tool).symlink_to(f"/usr/bin/{tool}")
        self.add(self.tools / "nvidia-smi", "echo A GPU")
        for name in PROGRAMS:
            self.add(self.folder / "bin" / name, f"echo ok {name} $1")
        line = json.dumps(LINE, separators=(",", ":"))
        self.add(self.folder / "bin/bench", f"echo '{line}'")
        (self.folder / "env.sh").touch()
        self.model = self.folder / "model.safetensors"
        self.model.touch()

    def add(self, path, script):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run_steps(self, *steps, elapsed=0):
        """elapsed: seconds since the start of run.sh."""
        return subprocess.run(
            ["/usr/bin/bash", SCRIPT, self.folder, self.model,
             *steps], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": str(self.tools),
                 "SECONDS": str(elapsed)})

    def assert_in_order(self, text, *parts):
        at = 0
        for part in parts:
            self.assertIn(part, text[at:])
            at = text.index(part, at) + len(part)

    def test_all(self):
        self.add(self.tools / "ncu", 'echo ncu "$@"')
        self.add(self.tools / "compute-sanitizer", 'echo checked "$@"')
        self.add(self.tools / "python3", 'echo python "$@"')
        done = self.run_steps()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_in_order(
            done.stdout, "A GPU", "ok bench-handover", "ok bench-blocks",
            '"ms_median":0.1', "release ms", "ncu --cache-control none",
            "--profile", "ok bench-parallel", "compare-peers.py --cuda",
            "ok test-gpu-kernels", "ok test-gpu-fused", "ok test-gpu-element",
            "checked --tool memcheck", "/gpu/fused/small",
            "test-gpu-fused: passed", "compute-sanitizer synccheck "
            "test-gpu-fused /gpu/fused/small: clean")

    def limits(self, *steps):
        """Seconds for each program, by its name."""
        log = self.folder / "limits"
        (self.tools / "timeout").unlink()
        self.add(self.tools / "timeout",
                 f'echo "$3 ${{4##*/}}" >> {log}; shift 3; "$@"')
        done = self.run_steps(*steps)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {name: int(seconds) for seconds, name in
                (line.split() for line in log.read_text().splitlines())}

    def test_limits(self):
        """They add up to at most ten minutes. Time that a step does not need
        goes to the later ones."""
        shares = {name: int(seconds) for name, seconds in re.findall(
            r"\[(\w+)\]=(\d+)", SCRIPT.read_text())}
        self.assertLessEqual(sum(shares.values()), TOTAL)
        limits = self.limits("handover", "blocks", "streams")
        rest = TOTAL - shares["blocks"] - shares["streams"]
        self.assertLessEqual(limits["bench-handover"], rest)
        self.assertGreater(limits["bench-handover"], rest - SLACK)
        self.assertLessEqual(limits["bench-parallel"], TOTAL)
        self.assertGreater(limits["bench-parallel"], TOTAL - SLACK)

    def test_limit_of_several_programs(self):
        self.add(self.folder / "bin/test-gpu-kernels", "/bin/sleep 2; echo ok")
        limits = self.limits("tests", "handover")
        self.assertLessEqual(limits["test-gpu-fused"],
                             limits["test-gpu-kernels"] - 2)

    def test_no_time_left(self):
        done = self.run_steps("handover", elapsed=600)
        self.assertEqual(done.returncode, 1)
        self.assert_in_order(done.stdout, "no time is left for",
                             "handover: FAILED")

    def test_release(self):
        release = next(r for r in json.loads(
            (ROOT / "tests/results/bench-h200.json").read_text())
            if (r["memory"], r["width"]) == ("device", 512))
        line = next(line for line in self.run_steps("bench").stdout.splitlines()
                    if line.startswith("device"))
        self.assertEqual(line.split(), ["device", "512x256", "0.100", "0.200",
                                        "10000", "2.0",
                                        str(release["ms_median"])])

    def test_missing_tools(self):
        done = self.run_steps("ncu", "peers", "sanitize")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split("\n\n")[-1].splitlines(),
                         ["ncu: not installed, skipped",
                          "python3: not installed, skipped",
                          "compute-sanitizer: not installed, skipped"])

    def test_failures(self):
        self.add(self.folder / "bin/bench-handover", "echo lost; exit 3")
        (self.folder / "bin/bench-parallel").unlink()
        done = self.run_steps("handover", "streams", "blocks")
        self.assertEqual(done.returncode, 1)
        self.assert_in_order(done.stdout, "lost", "ok bench-blocks",
                             "handover: FAILED", "is not built")

    def test_without_gpu(self):
        (self.tools / "nvidia-smi").unlink()
        done = self.run_steps("bench", "tests")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("== bench", done.stdout)
        self.assert_in_order(done.stdout, "ok test-gpu-kernels",
                             "no GPU: only the tests are run")

    def test_unknown_step(self):
        done = self.run_steps("bnech")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no step bnech: handover", done.stderr)


if __name__ == "__main__":
    tap.main()
