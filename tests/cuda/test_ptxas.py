#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels keep their variables in registers, and stay within their budgets.

    test_ptxas.py NVCC

The cost of a kernel on a GPU is partly known before it runs: registers beyond
the budget mean fewer threads in flight, a stack or a spill means unnecessary
memory traffic, and accesses of one or two bytes waste most of each transaction.
The machine code is checked, too: nvdisasm is taken from the toolkit, the path,
or a virtual environment in the current folder.
"""

import collections
import functools
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

NVCC = sys.argv.pop(1)
NVDISASM = "nvidia-cuda-nvdisasm==13.2.78"  # reads the code of older toolkits


class Budget(NamedTuple):
    registers: int
    shared: int = 0    # bytes of shared memory
    narrow: int = 0    # loads and stores of one or two bytes in the PTX
    store: int = 16    # bytes of the narrowest store to global memory
    products: int = 0  # tensor instructions


# GPU, files: kernel (regular expression): budget. The first expression that
# matches counts. Kernels that are launched on other GPUs only have no code there.
BUDGETS = {
    ("sm_90", "cuda/engine/kernels/*.cu"): {
        r"Depthwise<__half, [12], \d>": Budget(128),
        r"Depthwise<float, \d, \d>": Budget(168),
        # Samples are bytes.
        r"Preprocess<": Budget(64, narrow=60),
        # Pixels of masks are bytes, and rows may not be aligned to four of them.
        r"CountAreas": Budget(48, narrow=12),
        r"Argmax<.*, false>": Budget(64, 12288, narrow=18, store=1),
        r"Argmax<.*, true>": Budget(64, 12288, narrow=23, store=1),
        # Logits are halves, sums floats.
        r"PoolRows<": Budget(48, 4096, store=4),
        r"PoolCells": Budget(48, 8192, store=4),
        r"SceneChange<": Budget(40, 4096, narrow=3, store=4),
        r"": Budget(48),
    },
    # For eight outputs of a warp, each plane of 32 inputs needs 2 x 2 tensor
    # instructions; loops over planes are not unrolled. Shared memory is
    # dynamic: the kernels check its size themselves.
    ("sm_90", "cuda/engine/fused/*.cu"): {
        # 48 channels are stored as 32 (16 bytes a lane) and 16 (8 bytes a lane).
        r"DepthwisePointwise<32, 48, 2, false>":
            Budget(128, store=8, products=24),
        r"DepthwisePointwise<48, 64, 2, false>":
            Budget(168, products=32 + 16),
        r"DepthwisePointwise<128, 128, 1, false>": Budget(255, products=64),
        r"DepthwisePointwise<128, 128, 1, true>":
            Budget(255, products=64 + 4 * 16),
        # Four tiles over 64 taps for 16 pixels, six over 32 inputs for 32 pixels.
        r"Front": Budget(168, narrow=60, store=8, products=16 + 24),
        r"FeatureFusion<[14]>": Budget(255, products=2 * 64 + 64),
        # The first product, then 3 planes for a third of the outputs; flags of
        # pixels are bytes.
        r"InvertedResidual<64, 384, 64, [12], 1, \w+>":
            Budget(192, narrow=8, products=16 + 36),
        r"InvertedResidual<64, 384, 96, 2, 4, false>":
            Budget(192, narrow=8, products=16 + 48),
        r"InvertedResidual<96, 576, 96, 1, 3, true>":
            Budget(192, narrow=8, products=24 + 48),
        r"InvertedResidual<96, 576, 128, 1, 3, false>":
            Budget(192, narrow=8, products=24 + 72),
        r"InvertedResidual<128, 768, 128, 1, 4, true>":
            Budget(192, narrow=8, products=32 + 72),
        r"InvertedResidual<.*, 1, (true|false)>": Budget(32),
    },
    # One block does what a cluster does on sm_90.
    ("sm_80", "cuda/engine/fused/invertedresidual.cu"): {
        r"InvertedResidual<64, 384, 64, [12], 1, \w+>":
            Budget(192, narrow=8, products=16 + 36),
        r"InvertedResidual<64, 384, 96, 2, 1, false>":
            Budget(192, narrow=8, products=16 + 48),
        r"InvertedResidual<96, 576, 96, 1, 1, true>":
            Budget(192, narrow=8, products=24 + 48),
        r"InvertedResidual<96, 576, 128, 1, 1, false>":
            Budget(192, narrow=8, products=24 + 72),
        r"InvertedResidual<128, 768, 128, 1, 1, true>":
            Budget(192, narrow=8, products=32 + 72),
        r"InvertedResidual<": Budget(32),
    },
}


class Kernel(NamedTuple):
    arch: str
    name: str
    budget: Budget
    stack: int  # bytes
    spills: int
    registers: int
    shared: int
    ptx: str
    code: collections.Counter  # instructions; None without a disassembler

    def count(self, prefix):
        """The instructions that begin with a prefix, and how many there are."""
        return {name: n for name, n in self.code.items()
                if name.startswith(prefix)}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def names(text):
    """Names of kernels as in the source."""
    return subprocess.run(["c++filt"], input=text, check=True,
                          capture_output=True, text=True).stdout


def find_nvdisasm():
    """The path of nvdisasm; None if it cannot be installed."""
    folder = pathlib.Path("nvdisasm").absolute()
    installed = "lib/python*/site-packages/nvidia/*/bin/nvdisasm"
    found = shutil.which("nvdisasm", path=pathlib.Path(NVCC).parent) or \
        shutil.which("nvdisasm") or next(folder.glob(installed), None)
    if found:
        return found
    try:
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(folder / "bin/python", "-m", "pip", "install", NVDISASM)
    except subprocess.CalledProcessError as error:
        print(error.stdout, error.stderr)
    return next(folder.glob(installed), None)


def disassemble(nvdisasm, cubin):
    """Counts the instructions of each kernel that can be executed."""
    text = names(run(nvdisasm, "-c", "-ndf", cubin).stdout)
    return {kernel: collections.Counter(re.findall(
                r"/\*[0-9a-f]{4,}\*/ +(?!@!PT)(?:@\S+ +)?(\S+)", code))
            for kernel, code in re.findall(
                r"^\s*\.global +(.+)\n((?s:.*?))(?=^\s*\.global|\Z)", text,
                re.MULTILINE)}


def compile_kernels(arch, source, budgets, nvdisasm, scratch):
    """Compiles a file and returns its kernels."""
    cubin = scratch + "/kernels.cubin"
    said = names(run(NVCC, "-std=c++17", "-O3", "--expt-relaxed-constexpr",
                     "-arch=" + arch, "-cubin", "-Xptxas=-v", "--keep",
                     "--keep-dir", scratch, "-I", ROOT, "-o", cubin,
                     source).stderr)
    ptx = names(pathlib.Path(scratch, source.stem + ".ptx").read_text())
    code = nvdisasm and disassemble(nvdisasm, cubin)
    kernels = []
    for name, stack, stores, loads, registers, shared in re.findall(
            r"entry function '(.+)' for .*\n.*\n +(\d+) bytes stack frame, "
            r"(\d+) bytes spill stores, (\d+) bytes spill loads\n"
            r".*Used (\d+) registers(?:.* (\d+) bytes smem)?", said):
        body = ptx.partition(f".entry {name}(")[2].partition(".entry ")[0]
        budget = next(b for pattern, b in budgets.items()
                      if re.search(pattern, name))
        kernels.append(Kernel(arch, name, budget, int(stack),
                              int(stores) + int(loads), int(registers),
                              int(shared or 0), body, code and code[name]))
    assert len(kernels) == ptx.count(".entry "), said
    return kernels


def of_each_kernel(check):
    """Turns a check of one kernel into a test of all."""
    @functools.wraps(check)
    def test(self):
        for kernel in self.kernels:
            with self.subTest(arch=kernel.arch, kernel=kernel.name):
                check(self, kernel)
    return test


class Ptxas(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        nvdisasm = find_nvdisasm()
        cls.kernels = []
        for (arch, files), budgets in BUDGETS.items():
            sources = sorted(ROOT.glob(files))
            assert sources, files
            for source in sources:
                with tempfile.TemporaryDirectory() as scratch:
                    cls.kernels += compile_kernels(arch, source, budgets,
                                                   nvdisasm, scratch)

    @of_each_kernel
    def test_budgets(self, k):
        budget = k.budget
        narrow = len(re.findall(
            r"\b(?:ld|st)\.(?!param)(?:[a-z]+\.)*[usb](?:8|16)\b", k.ptx))
        print(f"# {k.arch} {k.name}: {k.registers} registers, {k.shared} bytes "
              f"shared, {narrow} narrow accesses")
        self.assertEqual((k.stack, k.spills), (0, 0))
        self.assertLessEqual((k.registers, budget),
                             (budget.registers, budget))
        self.assertLessEqual((k.shared, budget), (budget.shared, budget))
        self.assertLessEqual((narrow, budget), (budget.narrow, budget))
        self.assertEqual((k.ptx.count("mma.sync"), budget),
                         (budget.products, budget))

    @of_each_kernel
    def test_hand_over(self, k):
        """A kernel waits for the previous one exactly once. Until then, fused
        kernels may copy weights to shared memory; others do not access memory.
        Before sm_90 kernels do not overlap."""
        if k.arch == "sm_80":
            self.assertNotIn("griddepcontrol", k.ptx)
            return
        before, wait, after = k.ptx.partition("griddepcontrol.wait;")
        fused = k.budget.products > 0
        if not wait:  # never launched on this GPU
            self.assertFalse(fused)
            self.assertNotRegex(before, r"\bst\.")
            return
        self.assertNotIn("griddepcontrol.wait;", after)
        allowed = "param|shared" if fused else "param"
        self.assertNotRegex(before, rf"\bst\.(?!{allowed})")
        if not fused:
            self.assertNotRegex(before, r"\bld\.(?!param)")
        self.assertEqual(
            (before + after).count("griddepcontrol.launch_dependents;"), 1)

    @of_each_kernel
    def test_shared_memory(self, k):
        """Shared memory is not accessed as global memory. Only the memory of
        other blocks has generic addresses."""
        others = re.findall(r"\bmapa\.u64 (%rd\d+)", k.ptx)
        self.assertEqual("cvta.shared" in k.ptx, bool(others))
        for address in others:
            self.assertRegex(k.ptx, rf"\bld\.v4\.\w+\s.*\[{address}\]")
            self.assertNotRegex(k.ptx, rf"\.global\..*\[{address}\]")

    @of_each_kernel
    def test_machine_code(self, k):
        """Nothing is in local memory. Copies and stores are as wide as in the
        source, loops over tensor instructions unrolled as there. Operands of
        these are not moved: the first alone would take four moves."""
        if k.code is None:
            self.skipTest(f"{NVDISASM} cannot be installed")
        copies, stores = k.count("LDGSTS"), k.count("STG")
        print(f"# {k.arch} {k.name}: {k.code.total()} instructions", copies, stores)
        self.assertEqual({**k.count("LDL"), **k.count("STL")}, {})
        products = sum(k.count("HMMA").values())
        self.assertEqual(products, k.budget.products)
        moves = sum({**k.count("MOV"), **k.count("IMAD.MOV")}.values())
        if products:
            self.assertLess(moves, 3 * products)
        self.assertEqual(bool(copies), "cp.async" in k.ptx)
        for name in copies:
            self.assertRegex(name, r"\.128$")
        widths = {"U8": 1, "U16": 2, "64": 8, "128": 16}
        for name in stores:
            width = widths.get(name.split(".")[-1], 4)
            self.assertGreaterEqual((width, name), (k.budget.store, ""))


if __name__ == "__main__":
    tap.main()
