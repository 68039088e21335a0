#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/guide/troubleshooting.md has every sentence with which the code tells a
user that something is wrong. Sentences are put together from literals: each of
two words or more is looked for, and what is none of them is excluded here."""

import ast
import html
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import tap  # noqa: E402

PAGE = ROOT / "docs" / "guide" / "troubleshooting.md"
SOURCES = ("net", "cpu", "cuda", "gst/fastscnn")

# Calls whose literals describe, and files that hold nothing else.
DESCRIBING = re.compile(
    r"\b(g_param_spec_\w+|gst_element_class_set_static_metadata|"
    r"GST_DEBUG_CATEGORY_INIT|GST_(INFO|DEBUG|LOG|TRACE)(_OBJECT)?|"
    r"GST_STATIC_CAPS|GST_PLUGIN_DEFINE|static_assert|"
    r"gst_caps_from_string|gst_structure_new)\s*\(")
ENUM_ENTRY = re.compile(
    r'\{[^{}"]*,\s*(?:"(?:[^"\\]|\\.)*"\s*)+,\s*"[a-z0-9-]+"\s*\}')
NO_SENTENCES = {"palette-distinct.cpp", "plugin.cpp"}
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# Literals that are found nonetheless and tell nobody that anything is wrong.
NONE = re.compile(
    r"model name|, compute capability|multiprocessors, driver|, runtime|"
    r", cuDNN|\+ residual|, relu6?|gst-fastscnn plans|video/x-raw|"
    r"\w*, ?\w+=|format=|\{ \w+, |RGBA, BGRA|<1 %|%\.0f|100 %|Sans|GIMP Palette|"
    # labels of palettes
    r"(traffic|cart|lane|misc|other|parking|road|vegetation) [a-z ]+$|"
    r"[\d ,]+$")


def drop_calls(text):
    """The text without the calls that describe."""
    kept, position = [], 0
    for match in DESCRIBING.finditer(text):
        if match.start() < position:
            continue
        kept.append(text[position:match.start()])
        depth, position = 1, match.end()
        while depth and position < len(text):
            literal = LITERAL.match(text, position)
            if literal:
                position = literal.end()
                continue
            depth += {"(": 1, ")": -1}.get(text[position], 0)
            position += 1
    return "".join(kept) + text[position:]


def literals_of_cpp(path):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|//[^\n]*',
                  lambda found: found[0] if found[0][0] == '"' else " ", text,
                  flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    # A quotation mark that is a character would turn all that follows.
    text = ENUM_ENTRY.sub("", drop_calls(text.replace("'\"'", "")))
    end = 0
    joined = []
    for found in LITERAL.finditer(text):
        if joined and not text[end:found.start()].strip():
            joined[-1] += found[1]
        else:
            joined.append(found[1])
        end = found.end()
    return [literal.replace('\\"', '"') for literal in joined]


def literals_of_python(path):
    """The strings of every raise and of every sys.exit."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = isinstance(node, ast.Call) and ast.unparse(node.func)
        if isinstance(node, ast.Raise) or called in ("sys.exit", "parser.error"):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value,
                                                                 str):
                    yield part.value


def literals_of_shell(path):
    for found in re.findall(r"\b(?:die|say) (['\"])(.*?)\1",
                            path.read_text(encoding="utf-8")):
        yield re.sub(r"\$(\{[^}]*\}|[\w*@]+)", "%s", found[1])


def plain(text):
    return " ".join(text.replace("`", "").split())


def fragments(literal):
    """What of a literal is the same each time it is printed."""
    for part in re.split(r"%[-+ #\d.]*[a-zA-Z]+|\\.", literal):
        part = re.sub(r"^\w+\.(py|sh): ", "", plain(part)).strip(" ,;:.()=\"'")
        if len(part.split()) >= 2 and not NONE.match(part):
            yield part


def sentences():
    """(file, fragment) of all that tells a user that something is wrong."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).glob("*")):
            if (path.suffix in (".cpp", ".cu", ".h", ".c")
                    and path.name not in NO_SENTENCES):
                for literal in literals_of_cpp(path):
                    yield from ((path, part) for part in fragments(literal))
    for path in sorted([*(ROOT / "pipelines").glob("*.py"),
                        *(ROOT / "pipelines" / "apps").glob("*.py"),
                        *(ROOT / "models").glob("*.py")]):
        for literal in literals_of_python(path):
            yield from ((path, part) for part in fragments(literal))
    for path in (ROOT / "setup.sh", *sorted((ROOT / "pipelines").glob("*.sh"))):
        for literal in literals_of_shell(path):
            yield from ((path, part) for part in fragments(literal))


class Sentences(unittest.TestCase):
    def test_all_are_explained(self):
        page = plain(html.unescape(PAGE.read_text(encoding="utf-8")))
        found = list(sentences())
        self.assertGreater(len(found), 120)
        missing = [f"{path.relative_to(ROOT)}: {part}" for path, part in found
                   if part not in page]
        if missing:
            self.fail("\n".join(["not in troubleshooting.md:", *missing]))

    def test_finds_what_it_has_to(self):
        found = {part for _, part in sentences()}
        for part in ("engine is not installed: there is no",  # net, gst
                     "is needed; install plugin and engines of the same version",
                     "There is no NVIDIA GPU", "should end in .mp4 or .mkv",
                     "nothing can be built without"):
            self.assertTrue(any(part in other for other in found), part)


if __name__ == "__main__":
    tap.main()
