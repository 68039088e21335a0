#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renders the documentation as HTML: the Markdown files, a page for every element
with its properties and pads, and the API of the metadata library.

    pages.py OUT [GI-DOCGEN GIR]    GST_PLUGIN_PATH: the folder of the plugin

Without GI-DOCGEN and GIR the API is left out. Fails on the first broken link."""

import html
import pathlib
import re
import shutil
import subprocess
import sys

import markdown
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase  # noqa: E402,F401

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ("README", "install", "choosing", "gst-launch", "python", "c",
         "applications", "cameras", "web", "archive", "elements", "gpu",
         "own-model", "tuning", "troubleshooting")
PROJECT = {"models/README.md": "models.html",
           "docs/architecture.md": "architecture.html",
           "CONTRIBUTING.md": "contributing.html",
           "SECURITY.md": "security.html", "CHANGELOG.md": "changes.html"}
PAGES = {"README.md": "readme.html", **PROJECT,
         **{f"docs/guide/{name}.md": "index.html" if name == "README"
            else f"{name}.html" for name in GUIDE}}
ELEMENTS = ("fastscnn", "classmaskoverlay", "classmaskextract",
            "classmaskjson")
LIBRARY = "library/index.html"  # written by gi-docgen

MUTABLE = ((Gst.PARAM_CONTROLLABLE, "in any state, also by GstController"),
           (Gst.PARAM_MUTABLE_PLAYING, "in any state"),
           (Gst.PARAM_MUTABLE_PAUSED, "up to PAUSED"),
           (Gst.PARAM_MUTABLE_READY, "up to READY"))

FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - gst-fastscnn</title>
<style>
body {{ font: 16px/1.5 sans-serif; margin: 0; display: flex; flex-wrap: wrap; }}
nav {{ padding: 1em 2em; background: #eef; min-width: 11em; }}
nav a, nav b {{ display: block; }}
nav b {{ margin-top: 1em; }}
main {{ padding: 0 2em 3em; max-width: 52em; min-width: 0; }}
pre {{ background: #f4f4f4; padding: .7em; white-space: pre-wrap; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #ccc; padding: .2em .6em; text-align: left;
  vertical-align: top; }}
img {{ max-width: 100%; }}
</style></head><body><nav>{nav}</nav><main>{body}</main></body></html>
"""


class Problem(Exception):
    """An error message for the person who builds the documentation."""


def to_html(text):
    return markdown.markdown(text, extensions=["tables", "fenced_code", "toc"])


def title_of(text, otherwise):
    match = re.search(r"^# (.+)$", text, re.M)
    return match[1] if match else otherwise


def values_of(element, prop):
    """The values of an enumeration, by number, from the class of a value: its
    GParamSpec has them in some versions of PyGObject only."""
    return type(element.get_property(prop.name)).__enum_values__


def describe_default(element, prop):
    value = getattr(prop, "default_value", None)  # boxed types have none
    if prop.value_type.is_a(GObject.TYPE_ENUM):
        return values_of(element, prop)[int(value)].value_nick
    if value is None or isinstance(value, (Gst.Structure, GObject.Object)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if prop.name.endswith("-color"):
        return f"0x{value:08x}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def describe_range(prop):
    low, high = getattr(prop, "minimum", None), getattr(prop, "maximum", None)
    if low is None or prop.value_type == GObject.TYPE_BOOLEAN:
        return ""
    if prop.name.endswith("-color"):
        return ""
    return f"; {low:g} to {high:g}" if isinstance(high, float) else (
        f"; {low} to {high}")


def describe_changes(prop):
    if not prop.flags & GObject.ParamFlags.WRITABLE:
        return "never"
    return next((text for flag, text in MUTABLE if int(prop.flags) & int(flag)),
                "in any state")


def type_name(prop):
    if prop.value_type.is_a(GObject.TYPE_ENUM):
        return "enum"
    return {"gchararray": "string", "gboolean": "boolean"}.get(
        prop.value_type.name, prop.value_type.name.removeprefix("g"))


def describe_properties(element):
    yield "| property | type, default, range | effect | writable |"
    yield "| --- | --- | --- | --- |"
    for prop in element.list_properties():
        if prop.owner_type.name in ("GstObject", "GstBaseTransform"):
            continue
        kind = ", ".join(filter(None, (type_name(prop),
                                       describe_default(element, prop))))
        values = ""
        if prop.value_type.is_a(GObject.TYPE_ENUM):
            values = "".join(
                f"<br>`{value.value_nick}`: {value.value_name}"
                for _, value in sorted(values_of(element, prop).items()))
        else:
            kind += describe_range(prop)
        yield (f"| `{prop.name}` | {kind} | {prop.blurb}{values} | "
               f"{describe_changes(prop)} |")


def describe_pads(factory):
    for template in factory.get_static_pad_templates():
        yield (f"- `{template.name_template}`, "
               f"{template.presence.value_nick}")
        caps = template.get_caps().to_string().replace("(string)", "")
        for kind in re.sub(r"\((int|fraction)\)", "", caps).split("; "):
            yield f"    - `{kind}`"


def source_comment(name):
    """The SECTION comment of the element's source, as Markdown."""
    paths = (ROOT / "gst").glob(f"*/gst{name}.*")
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    comment = re.search(rf"/\*\*\n \* SECTION:element-{name}\n(.*?)\*/", text,
                        re.S)
    if comment is None:
        raise Problem(f"gst{name}: no comment SECTION:element-{name}")
    text = re.sub(r"^ \* ?", "", comment[1], flags=re.M)
    text = re.sub(r"^@\w+:.*\n|^Since:.*\n", "", text, flags=re.M)
    text = re.sub(r"\|\[\n(.*?)\]\|", lambda code: "\n```\n" + code[1]
                  + "```\n\n", text, flags=re.S)
    text = re.sub(r"#Gst\w+:([\w-]+)", r"`\1`", text)
    return re.sub(r"[#%](\w+)", r"`\1`", text)


def describe_element(name):
    factory = Gst.ElementFactory.find(name)
    if factory is None:
        raise Problem(f"GStreamer finds no element {name}")
    element = factory.create(None)
    signals = GObject.signal_list_names(element)
    lines = [f"# {name}", "", factory.get_metadata("long-name") + " ("
             + factory.get_metadata("klass") + ").", source_comment(name),
             "", "## Properties", "", *describe_properties(element),
             "", "## Pads", "", *describe_pads(factory),
             "", "## Signals", ""]
    lines += ([f"- `{signal}`" for signal in signals] or
              ["Only those of GstElement and GObject."])
    return "\n".join(lines)


def fix_links(body, page, out):
    """Turns links between source files into links between pages."""
    folder = (ROOT / page).parent

    def fix(match):
        attribute, target = match[1], html.unescape(match[2])
        if re.match(r"[a-z]+:|#", target) or target == LIBRARY:
            return match[0]
        target, _, anchor = target.partition("#")
        if target in PAGES.values() or target.removesuffix(".html") in ELEMENTS:
            return match[0]
        path = (folder / target).resolve()
        if not path.exists():
            raise Problem(f"{page}: broken link to {target}")
        name = str(path.relative_to(ROOT))
        if name in PAGES:
            target = PAGES[name]
        elif path.is_file():
            target = path.name
            shutil.copy(path, out)
        else:
            return f'{attribute}="{LIBRARY}"' if "classmask" in name else ""
        return f'{attribute}="{target}{"#" + anchor if anchor else ""}"'

    return re.sub(r'\b(href|src)="([^"]*)"', fix, body)


def check_elements():
    features = Gst.Registry.get().get_feature_list_by_plugin("fastscnn")
    missing = {feature.get_name() for feature in features} - set(ELEMENTS)
    if missing:
        raise Problem(f"add to ELEMENTS: {', '.join(sorted(missing))}")


def write(out):
    check_elements()
    out.mkdir(parents=True, exist_ok=True)
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    texts |= {f"{name}.html": describe_element(name) for name in ELEMENTS}
    nav = "".join(
        f"<b>{group}</b>" + "".join(
            f'<a href="{PAGES.get(page, page)}">'
            f'{html.escape(title_of(texts[page], page))}</a>' for page in pages)
        for group, pages in (
            ("", ["README.md", *(f"docs/guide/{name}.md" for name in GUIDE)]),
            ("Elements", [f"{name}.html" for name in ELEMENTS]),
            ("Project", PROJECT)))
    nav += f'<b>Library</b><a href="{LIBRARY}">libgstclassmask-1.0</a>'
    for page, text in texts.items():
        body = fix_links(to_html(text), page, out)
        (out / PAGES.get(page, page)).write_text(
            FRAME.format(title=html.escape(title_of(text, "gst-fastscnn")),
                         nav=nav, body=body), encoding="utf-8")


def write_library(out, gi_docgen, gir):
    settings = ["-C", ROOT / "docs" / "classmask.toml"]
    check = subprocess.run([gi_docgen, "check", *settings, gir], text=True,
                           capture_output=True, check=False)
    for line in (check.stdout + check.stderr).splitlines():
        if "is not documented" in line:
            raise Problem(re.sub(r"\x1b\[[\d;]*m|WARNING: ", "", line))
    subprocess.run([gi_docgen, "generate", "-q", "--fatal-warnings", *settings,
                    "--no-namespace-dir", "--output-dir", out / "library",
                    gir], check=True)


def main():
    Gst.init(None)
    out = pathlib.Path(sys.argv[1])
    try:
        write(out)
        if len(sys.argv) > 2:
            write_library(out, *sys.argv[2:])
    except Problem as problem:
        sys.exit(f"pages.py: {problem}.")


if __name__ == "__main__":
    main()
