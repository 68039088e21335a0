# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of the calling script and reports in TAP, so that
Meson counts every test method as a subtest."""

import sys
import unittest


class _TapResult(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.failed_part_of = None

    def _line(self, ok, test, note=""):
        name = test.id().removeprefix("__main__.")
        self.out.write(f"{ok} {self.testsRun} - {name}{note}\n")
        self.out.flush()

    def _comment(self, text):
        for line in text.rstrip().splitlines():
            self.out.write(f"# {line}\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._comment(self.failures[-1][1])
        self._line("not ok", test)

    def addError(self, test, err):
        super().addError(test, err)
        self._comment(self.errors[-1][1])
        self._line("not ok", test)

    def addSubTest(self, test, subtest, err):
        """The test gets one line, however many of its parts fail."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._comment(f"{subtest}\n{(self.failures + self.errors)[-1][1]}")
            self.failed_part_of = test

    def stopTest(self, test):
        if self.failed_part_of is test:
            self._line("not ok", test)
        super().stopTest(test)


def skip_all(reason):
    """Ends the script: what its tests need is not there."""
    print(f"1..0 # SKIP {reason}")
    sys.exit()


def main():
    out = sys.stdout
    # What the tests and their libraries print must not look like TAP.
    sys.stdout = sys.stderr
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"])
    out.write(f"1..{suite.countTestCases()}\n")
    result = _TapResult(out)
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
