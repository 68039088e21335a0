# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of the calling script and reports in TAP, so that
Meson counts every test method as a subtest."""

import sys
import traceback
import unittest


class _TapResult(unittest.TestResult):
    """Prints one line per test, however many of its subtests fail or are skipped."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def startTest(self, test):
        super().startTest(test)
        self.verdict, self.note = "ok", ""

    def stopTest(self, test):
        name = test.id().removeprefix("__main__.")
        self.out.write(f"{self.verdict} {self.testsRun} - {name}{self.note}\n")
        self.out.flush()
        super().stopTest(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if self.verdict == "ok":
            self.note = f" # SKIP {reason}"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(subtest, err)

    def _fail(self, test, err):
        self.verdict, self.note = "not ok", ""
        text = f"{test}\n{''.join(traceback.format_exception(*err))}"
        for line in text.rstrip().splitlines():
            self.out.write(f"# {line}\n")


def skip_all(reason):
    """Ends the script, because something that its tests need is missing."""
    print(f"1..0 # SKIP {reason}")
    sys.exit()


def main():
    out = sys.stdout
    # Output of tests and libraries must not look like TAP.
    sys.stdout = sys.stderr
    suite = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"])
    out.write(f"1..{suite.countTestCases()}\n")
    result = _TapResult(out)
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
