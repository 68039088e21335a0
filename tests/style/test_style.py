#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes between rooms, sizes, licences, formatting and names of files, in all
files that git knows or would add."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

CODE = {".c", ".cpp", ".cu", ".h", ".cuh"}
CLANG_FORMAT = "14"

# A room may include its own headers and those of these rooms.
MAY_INCLUDE = {
    "net": set(),
    "cpu": {"net"},
    "cpu/engine": {"cpu", "net"},
    "cpu/engine/int8": {"cpu", "cpu/engine", "net"},
    "cpu/painter": {"net"},
    "cuda": {"net"},
    "cuda/engine": {"cuda", "cuda/engine/fused", "cuda/engine/kernels",
                    "cuda/engine/transfer", "net"},
    "cuda/engine/fused": {"cuda", "cuda/engine/kernels", "net"},
    "cuda/engine/kernels": {"cuda", "net"},
    "cuda/engine/transfer": {"cuda", "net"},
    "cuda/painter": {"cuda", "net"},
    "gst": {"gst/classmask", "gst/fastscnn", "gst/masks", "gst/overlay"},
    "gst/classmask": set(),
    "gst/base": {"gst/classmask", "net"},
    "gst/masks": {"gst/base", "gst/classmask"},
    "gst/fastscnn": {"gst/base", "gst/classmask", "gst/masks", "net"},
    "gst/overlay": {"gst/base", "gst/classmask", "gst/masks", "net"},
}
# Exceptions: the headers through which a room is entered. Only the backend of a
# module includes those of its rooms, only the engine those of its network in 8 bits.
DOORS = {
    "cpu/engine/engine.cpp": {"cpu/engine/int8/instructions.h"},
    "cpu/engine/engine.h": {"cpu/engine/int8/weights.h"},
    "cpu/engine/network.cpp": {"cpu/engine/int8/weights.h"},
    "cpu/backend.cpp": {"cpu/engine/engine.h", "cpu/painter/painter.h"},
    "cuda/backend.cpp": {"cuda/engine/engine.h", "cuda/painter/painter.h"},
}
# <...> in gst/classmask: GLib and GStreamer only.
CLASSMASK_SYSTEM = re.compile(
    r"(gst/|glib|gobject|gio/|gmodule|(string|stddef|stdint|math)\.h)")

LARGEST_ROOM = 40  # files

# Lines that a file may have.
LARGEST = [
    (re.compile(r"(net|cpu|cuda|gst)/.*\.h"), 160),
    (re.compile(r"(net|cpu|cuda|gst)/.*\.(c|cpp|cu)"), 450),
    (re.compile(r"(pipelines|models)/.*\.(py|c)"), 450),
]

# Matches names of files in a text, except the example of docs/architecture.md.
NAMED_FILE = re.compile(
    r"(?:(?<=\$PWD/)|(?<![\w./$}@<-]))(?:net|cpu|cuda|gst|tests|pipelines|models|docs|packaging)"
    r"/[\w./-]*\.(?:c|cpp|cu|h|py|sh|md|build|supp|json|toml|ini|in)\b"
    r"(?<!brightness\.h)")


def list_files():
    if (ROOT / ".git").exists() and shutil.which("git"):
        names = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
            check=True, capture_output=True, text=True).stdout.splitlines()
        paths = [ROOT / name for name in names]
    else:
        paths = [path for path in ROOT.rglob("*")
                 if not path.relative_to(ROOT).parts[0].startswith("build")]
    return sorted(path for path in paths if path.is_file())


def read_texts():
    contents = ((path, path.read_bytes()) for path in list_files())
    return {path: content.decode("utf-8") for path, content in contents
            if b"\0" not in content and path.suffix != ".mask"
            and "fuzz/corpus" not in str(path)}


TEXTS = read_texts()


def name(path):
    return str(path.relative_to(ROOT))


def is_debian_metadata(path):
    """Files in formats without comments, or with a copyright file beside them."""
    return (name(path).startswith("packaging/debian/")
            and path.name != "rules")


def run_tool(tool, *arguments):
    result = subprocess.run([tool, *arguments], cwd=ROOT, text=True,
                            capture_output=True, check=False)
    return result.returncode, (result.stdout + result.stderr).strip()


class Style(unittest.TestCase):
    def report(self, problems):
        self.assertFalse(problems, "\n" + "\n".join(problems))

    def test_includes(self):
        problems = []
        pattern = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
        for path, text in TEXTS.items():
            folder = str(path.parent.relative_to(ROOT))
            if folder not in MAY_INCLUDE or path.suffix not in CODE:
                continue
            for bracket, header in pattern.findall(text):
                where = ROOT / header
                if bracket == '"' and not where.exists():
                    where = path.parent / header
                if header in DOORS.get(name(path), ()):
                    continue
                if where.exists():
                    other = str(where.resolve().parent.relative_to(ROOT))
                    if other != folder and other not in MAY_INCLUDE[folder]:
                        problems.append(f"{name(path)} includes {header}")
                elif (folder == "gst/classmask"
                      and not CLASSMASK_SYSTEM.match(header)):
                    problems.append(f"{name(path)} includes {header}")
        self.report(problems)

    def test_every_room_has_a_rule(self):
        rooms = {str(path.parent.relative_to(ROOT)) for path in TEXTS
                 if path.suffix in CODE
                 and re.match(r"(net|cpu|cuda|gst)/", name(path))}
        self.assertEqual(rooms, set(MAY_INCLUDE))

    def test_rooms_are_small(self):
        counts = {}
        for path in TEXTS:
            room = str(path.parent.relative_to(ROOT))
            if room in MAY_INCLUDE:
                counts[room] = counts.get(room, 0) + 1
        self.report([f"{room}: {count} files, norm {LARGEST_ROOM}"
                     for room, count in counts.items() if count > LARGEST_ROOM])

    def test_libraries_stay_in_their_folder(self):
        allowed = {"hwy": "cpu", "cudnn": "cuda"}
        problems = []
        for path, text in TEXTS.items():
            if path.suffix not in CODE or name(path).startswith("tests/"):
                continue
            for library, folder in allowed.items():
                if (re.search(rf"#\s*include\s+[<\"]{library}", text)
                        and not name(path).startswith(folder + "/")):
                    problems.append(f"{name(path)} includes {library}")
        self.report(problems)

    def test_nothing_throws(self):
        """The compiler refuses throw and catch, but not calls of the standard
        library that may throw."""
        throwing = re.compile(
            r"\bstd::(sto(i|u?ll?|f|l?d)|thread\b(?!::)|async|regex)\b")
        problems = []
        for path, text in TEXTS.items():
            if (path.suffix not in CODE
                    or not re.match(r"(net|cpu|cuda|gst)/", name(path))):
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if throwing.search(line.split("//")[0]):
                    problems.append(f"{name(path)}:{number}: {line.strip()}")
        self.report(problems)

    def test_licence_lines(self):
        without = {".md", ".json", ".dict"}
        self.report([
            f"{name(path)}: no SPDX line" for path, text in TEXTS.items()
            if path.name not in ("COPYING", "README", ".gitignore", ".editorconfig",
                                 ".clang-format")
            and path.suffix not in without and text
            and not is_debian_metadata(path)
            and "SPDX-License-Identifier: LGPL-2.1-or-later"
            not in "\n".join(text.splitlines()[:3])])

    def test_whitespace(self):
        problems = []
        for path, text in TEXTS.items():
            if path.name == "COPYING":
                continue
            for number, line in enumerate(text.split("\n"), 1):
                tab = "\t" in line and path.name != "rules"  # of make
                if line != line.rstrip() or tab:
                    problems.append(f"{name(path)}:{number}: tab, carriage "
                                    "return or trailing space")
            if text and not text.endswith("\n"):
                problems.append(f"{name(path)}: no newline at the end")
        self.report(problems)

    def test_no_paths_of_a_machine(self):
        pattern = re.compile(r"(?<![\w.~}/-])/(work|home|root|Users)/")
        problems = []
        for path, text in TEXTS.items():
            if path == pathlib.Path(__file__).resolve():
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if pattern.search(line):
                    problems.append(f"{name(path)}:{number}: {line.strip()}")
        self.report(problems)

    def test_sizes(self):
        problems = []
        for path, text in TEXTS.items():
            limit = next((lines for pattern, lines in LARGEST
                          if pattern.fullmatch(name(path))), None)
            lines = text.count("\n")
            if limit is not None and lines > limit:
                problems.append(f"{name(path)}: {lines} lines, norm {limit}")
        self.report(problems)

    def test_named_files_exist(self):
        self.report([
            f"{name(path)}: {file} does not exist"
            for path, text in TEXTS.items()
            for file in NAMED_FILE.findall(text)
            if not (ROOT / file).exists() and not (path.parent / file).exists()])

    def test_clang_format(self):
        tool = (shutil.which(f"clang-format-{CLANG_FORMAT}")
                or shutil.which("clang-format"))
        if tool is None or f"version {CLANG_FORMAT}." not in run_tool(
                tool, "--version")[1]:
            self.skipTest(f"no clang-format {CLANG_FORMAT}")
        files = [name(path) for path in TEXTS if path.suffix in CODE]
        status, output = run_tool(tool, "--dry-run", "-Werror",
                                  "--ferror-limit=1", *files)
        self.assertEqual(status, 0, "\n" + output)

    def test_shell_scripts(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("no shellcheck")
        files = [name(path) for path, text in TEXTS.items()
                 if re.match(r"#!.*\b(ba)?sh\b", text)]
        self.assertTrue(files)
        status, output = run_tool("shellcheck", "-e", "SC1091", *files)
        self.assertEqual(status, 0, "\n" + output)

    def test_packages_to_build_with(self):
        """The Debian package needs the same packages as setup.sh."""
        setup = " ".join(re.findall(r"to_build\w*=\((.*?)\)",
                                    (ROOT / "setup.sh").read_text(),
                                    re.S)).split()
        control = (ROOT / "packaging/debian/control").read_text()
        wanted = re.search(r"Build-Depends:\n(.*?)\n\n", control, re.S)[1]
        wanted = set(re.findall(r"^ ([\w.+-]+)", wanted, re.M))
        implied = {"g++", "ninja-build"}  # by build-essential and Meson
        self.assertFalse(set(setup) - wanted - implied)

    def test_python_compiles(self):
        for path, text in TEXTS.items():
            if path.suffix == ".py":
                compile(text, name(path), "exec")


if __name__ == "__main__":
    tap.main()
