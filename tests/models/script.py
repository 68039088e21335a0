# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shared by tests of the scripts in models/."""

import pathlib
import tempfile
import unittest
from unittest import mock


def make_images(folder, count=2, size=(64, 96)):
    """A folder of noise."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(3)
    for i in range(count):
        pixels = rng.integers(0, 256, (*size[::-1], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


class ScriptTest(unittest.TestCase):
    """Has a folder of its own, and runs scripts in this process."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, script, *arguments):
        """Runs the module `script`; returns its error message or None."""
        with mock.patch("sys.argv", [f"{script.__name__}.py", *map(str, arguments)]):
            try:
                script.main()
            except SystemExit as end:
                return str(end)
        return None
