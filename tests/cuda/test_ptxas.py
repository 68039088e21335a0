#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels keep their variables in registers, and to their budgets.

    test_ptxas.py NVCC FOLDER

What a kernel costs on a GPU is partly known before it runs: registers beyond
the budget mean fewer threads in flight, a stack or a spill means memory traffic
that nobody asked for, and stores of one or two bytes waste most of each
transaction.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

NVCC, FOLDER = sys.argv.pop(1), sys.argv.pop(1)
ARCH = "sm_90"

# Folder: kernel (regular expression): (registers, bytes of shared memory, stores
# of one or two bytes in the PTX[, tensor instructions]). The first expression
# that matches counts. What is launched on other GPUs only has no code here.
BUDGETS = {
    "cuda/engine/kernels": {
        r"Depthwise<__half, [12], \d>": (128, 0, 0),
        r"Depthwise<float, \d, \d>": (168, 0, 0),
        r"Preprocess<": (64, 0, 0),
        # Masks whose rows are not aligned to four bytes; shared memory.
        r"Argmax<.*, false>": (64, 12288, 12),
        r"Argmax<.*, true>": (64, 12288, 18),
        r"PoolRows<": (48, 4096, 0),
        r"PoolCells": (48, 8192, 0),
        r"SceneChange<": (40, 4096, 0),
        r"": (48, 0, 0),
    },
    # Of the tensor instructions, each plane of 32 inputs needs 2 x 2 for eight
    # outputs of a warp; loops over planes are not unrolled. Shared memory is
    # dynamic: the kernels check its size themselves.
    "cuda/engine/fused": {
        r"DepthwisePointwise<32, 48, 2, false>": (128, 0, 0, 24),
        r"DepthwisePointwise<48, 64, 2, false>": (168, 0, 0, 32 + 16),
        r"DepthwisePointwise<128, 128, 1, false>": (255, 0, 0, 64),
        r"DepthwisePointwise<128, 128, 1, true>": (255, 0, 0, 64 + 16),
        # Four tiles over 64 taps for 16 pixels, six over 32 inputs for 32.
        r"Front": (168, 0, 0, 16 + 24),
        r"FeatureFusion<[14]>": (255, 0, 0, 2 * 64 + 64),
        # The first product, then 3 planes for a third of the outputs; flags of
        # pixels are bytes.
        r"InvertedResidual<64, 384, 64, [12], 1, \w+>": (192, 0, 8, 16 + 36),
        r"InvertedResidual<64, 384, 96, 2, 4, false>": (192, 0, 8, 16 + 48),
        r"InvertedResidual<96, 576, 96, 1, 3, true>": (192, 0, 8, 24 + 48),
        r"InvertedResidual<96, 576, 128, 1, 3, false>": (192, 0, 8, 24 + 72),
        r"InvertedResidual<128, 768, 128, 1, 4, true>": (192, 0, 8, 32 + 72),
        r"InvertedResidual<.*, 1, (true|false)>": (32, 0, 0, 0),
    },
}


def names(text):
    """Of kernels, as in the source."""
    return subprocess.run(["c++filt"], input=text, check=True,
                          capture_output=True, text=True).stdout


def compile_kernels(source, scratch):
    """What ptxas says, and the PTX."""
    run = subprocess.run(
        [NVCC, "-std=c++17", "-O3", "--expt-relaxed-constexpr", "-arch=" + ARCH,
         "-cubin", "-Xptxas=-v", "--keep", "--keep-dir", scratch,
         "-I", ROOT, "-o", scratch + "/kernels.cubin", source],
        check=True, capture_output=True, text=True)
    ptx = pathlib.Path(scratch, source.stem + ".ptx")
    return names(run.stderr), names(ptx.read_text())


class Ptxas(unittest.TestCase):

    def test_budgets(self):
        sources = sorted((ROOT / FOLDER).glob("*.cu"))
        self.assertNotEqual(sources, [])
        for source in sources:
            with tempfile.TemporaryDirectory() as scratch:
                self.check_kernels(*compile_kernels(source, scratch))

    def check_kernels(self, said, ptx):
        kernels = re.findall(
            r"entry function '(.+)' for .*\n.*\n +(\d+) bytes stack frame, "
            r"(\d+) bytes spill stores, (\d+) bytes spill loads\n"
            r".*Used (\d+) registers(?:.* (\d+) bytes smem)?", said)
        self.assertEqual(len(kernels), ptx.count(".entry "), said)
        for name, *numbers in kernels:
            stack, stores, loads, registers, shared = [
                int(n or 0) for n in numbers]
            narrow, mma = self.count_instructions(ptx, name)
            limits = next(limits for pattern, limits in BUDGETS[FOLDER].items()
                          if re.search(pattern, name))
            with self.subTest(kernel=name):
                print(f"# {name}: {registers} registers, {shared} bytes "
                      f"shared, {narrow} narrow stores")
                self.assertEqual((stack, stores, loads), (0, 0, 0))
                self.assertLessEqual((registers, limits),
                                     (limits[0], limits))
                self.assertLessEqual((shared, limits), (limits[1], limits))
                self.assertLessEqual((narrow, limits), (limits[2], limits))
                self.assertEqual((mma, limits), (sum(limits[3:]), limits))
                self.check_hand_over(ptx, name, mma)

    def check_hand_over(self, ptx, name, mma):
        """A kernel waits for the one before, once. Only those that keep weights
        in shared memory copy those before."""
        before, wait, after = self.body(ptx, name).partition(
            "griddepcontrol.wait;")
        if not wait:  # never launched on this GPU
            self.assertEqual(mma, 0)
            self.assertNotRegex(before, r"\bst\.")
            return
        self.assertNotIn("griddepcontrol.wait;", after)
        allowed = "param|shared" if mma else "param"
        self.assertNotRegex(before, rf"\bst\.(?!{allowed})")
        if not mma:
            self.assertNotRegex(before, r"\bld\.(?!param)")
        self.assertEqual(
            (before + after).count("griddepcontrol.launch_dependents;"), 1)

    def body(self, ptx, name):
        body = ptx.partition(f".entry {name}(")[2].partition(".entry ")[0]
        self.assertIn("ret;", body, name)
        return body

    def count_instructions(self, ptx, name):
        """Narrow stores and tensor instructions."""
        body = self.body(ptx, name)
        return (len(re.findall(
            r"\bst\.(?:global\.|shared\.)?[usb](?:8|16)\b", body)),
            body.count("mma.sync"))


if __name__ == "__main__":
    tap.main()
