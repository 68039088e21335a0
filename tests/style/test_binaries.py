#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installed binaries export their interface and nothing else, and are hardened.

    test_binaries.py OPTIMISED PLUGIN LIBRARY MODULE...
"""

import _ctypes
import ctypes
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import tap  # noqa: E402

OPTIMISED = sys.argv[1] == "true"
PLUGIN, LIBRARY, *MODULES = sys.argv[2:]
EVERYTHING = [PLUGIN, LIBRARY, *MODULES]
EXPORTED = {
    PLUGIN: r"gst_plugin_fastscnn_(get_desc|register)",
    LIBRARY: r"gst_class_mask_\w+|gst_buffer_(add|get)_class_mask_\w+",
    **{module: "fastscnn_backend_open" for module in MODULES},
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout


def symbols(path, which):
    return [line.split()[-1].split("@")[0]
            for line in output("nm", "-D", which, path).splitlines()]


def processor(path):
    return re.search(r"Machine: +(.*)", output("readelf", "-hW", path))[1]


class Binaries(unittest.TestCase):
    def each(self):
        for path in EVERYTHING:
            with self.subTest(pathlib.Path(path).name):
                yield path

    def test_exports(self):
        for path in self.each():
            names = symbols(path, "--defined-only")
            self.assertTrue(names)
            self.assertEqual([name for name in names
                              if not re.fullmatch(EXPORTED[path], name)], [])

    def test_library_exports_what_its_headers_declare(self):
        folder = pathlib.Path(__file__).parents[2] / "gst" / "classmask"
        declared = set()
        for header in folder.glob("gstclassmask*.h"):
            if "private" not in header.name:
                declared |= set(re.findall(
                    r"GST_CLASS_MASK_API\s+[^;(]*?(\w+)\s*\(",
                    header.read_text()))
        self.assertEqual(declared, set(symbols(LIBRARY, "--defined-only")))

    def test_bound_at_start_and_read_only_then(self):
        for path in self.each():
            self.assertIn("NOW", output("readelf", "-dW", path))
            segments = output("readelf", "-lW", path)
            self.assertIn("GNU_RELRO", segments)
            stack = re.search(r"GNU_STACK.*", segments)[0]
            self.assertNotRegex(stack, r"\bRWE\b")
            self.assertNotIn("TEXTREL", output("readelf", "-dW", path))

    def test_cuda_is_not_needed_to_open(self):
        """The driver and cuDNN are opened at run time; the CUDA runtime is linked
        statically."""
        for path in self.each():
            self.assertNotRegex(output("readelf", "-dW", path),
                                r"NEEDED.*\blib(cuda|cudart|cudnn|cublas)\b")

    @unittest.skipUnless(processor(PLUGIN) == processor(sys.executable),
                         "built for another processor")
    def test_unload(self):
        """A library is unmapped when it is closed."""
        for path in self.each():
            library = ctypes.CDLL(path)
            self.assertIn(path, pathlib.Path("/proc/self/maps").read_text())
            _ctypes.dlclose(library._handle)
            self.assertNotIn(path, pathlib.Path("/proc/self/maps").read_text())

    def test_nothing_unwinds(self):
        """See net/error.h. -fno-exceptions alone does not prove it: templates of
        other libraries are compiled in."""
        unwinding = r"_Unwind_Resume|__cxa_(throw|rethrow|begin_catch)"
        for path in self.each():
            self.assertEqual([name for name in symbols(path, "--undefined-only")
                              if re.fullmatch(unwinding, name)], [])

    def test_stack_is_guarded(self):
        for path in self.each():
            self.assertIn("__stack_chk_fail", symbols(path, "--undefined-only"))

    @unittest.skipUnless(OPTIMISED, "built without optimisation")
    def test_fortified(self):
        # Only the plugin: in the others, the compiler knows all sizes.
        self.assertTrue([name for name in symbols(PLUGIN, "--undefined-only")
                         if re.fullmatch(r"__\w+_chk", name)])


if __name__ == "__main__":
    tap.main()
