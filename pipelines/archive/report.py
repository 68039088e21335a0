# SPDX-License-Identifier: LGPL-2.1-or-later
"""One HTML page with the shares of the classes in each recording over time."""

import colorsys
import html
import json

from joining import UNKNOWN
from manifest import READABLE, write_whole

WIDTH, HEIGHT = 800, 120
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Archive</title>
<meta name="viewport" content="width=device-width">
<style>
:root {{ color-scheme: light dark; font-family: sans-serif }}
body {{ max-width: {width}px; margin: 1em auto; padding: 0 1em }}
svg {{ width: 100%; height: {height}px; display: block }}
h2 {{ font-size: 1em; margin: 1.5em 0 0.3em; overflow-wrap: anywhere }}
p {{ margin: 0.3em 0 }}
i {{ display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.3em }}
span {{ margin-right: 1em; white-space: nowrap }}
</style></head><body>
<h1>Shares of classes over time</h1>
<p>{summary}</p>
<p>{legend}</p>
{charts}
</body></html>
"""


def write(path, folder, entries):
    """entries: of the manifest, by name."""
    charts, labels = [], {}
    shares = {}
    for name, entry in entries.items():
        if entry["state"] in READABLE:
            shares[name] = json.loads((folder / entry["outputs"]["shares"])
                                      .read_text(encoding="utf-8"))
            labels |= dict.fromkeys(shares[name]["shares"])
    colors = choose_colors(sorted(labels))
    for name, entry in entries.items():
        title = f"<h2>{html.escape(name)}</h2>"
        if name not in shares:
            charts.append(f"{title}<p>{html.escape(entry['error'])}</p>")
            continue
        seconds = entry["seconds"]
        about = [f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:"
                 f"{seconds % 60:04.1f}", f"{entry['frames']} frames"]
        if entry["error"]:
            about.append(html.escape(entry["error"]))
        charts.append(f"{title}{draw(shares[name], colors)}"
                      f"<p>{', '.join(about)}</p>")
    failed = len(entries) - len(shares)
    write_whole(path, PAGE.format(
        width=WIDTH, height=HEIGHT, charts="\n".join(charts),
        summary=f"{len(shares)} recordings"
                + (f", {failed} more failed" if failed else ""),
        legend="".join(f'<span><i style="background:{color}"></i>'
                       f"{html.escape(label)}</span>"
                       for label, color in colors.items())))


def choose_colors(labels):
    """Colours around the hue circle; neighbours also differ in brightness."""
    known = [label for label in labels if label != UNKNOWN]
    colors = {}
    for i, label in enumerate(known):
        rgb = colorsys.hls_to_rgb(i / len(known), (0.4, 0.65)[i % 2], 0.6)
        colors[label] = "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
    if UNKNOWN in labels:
        colors[UNKNOWN] = "#888888"
    return colors


def draw(shares, colors):
    """A stack of areas, one for each class, with its average as a tooltip."""
    by_label = shares["shares"]
    columns = max(map(len, by_label.values()), default=0)
    base = [0.0] * columns
    areas = []
    for label, color in colors.items():
        values = [value or 0.0 for value in by_label.get(label, ())]
        if not any(values):
            continue
        top = [below + value for below, value in zip(base, values)]
        outline = _edge(top) + _edge(base)[::-1]
        points = " ".join(f"{x:g},{1 - y:.4f}" for x, y in outline)
        areas.append(
            f'<polygon fill="{color}" points="{points}"><title>'
            f"{html.escape(label)} {sum(values) / len(values):.1%}</title>"
            "</polygon>")
        base = top
    return (f'<svg viewBox="0 0 {max(columns, 1)} 1" preserveAspectRatio="none">'
            + "".join(areas) + "</svg>")


def _edge(values):
    """Steps: a value holds for the whole column."""
    return [(x, value) for i, value in enumerate(values) for x in (i, i + 1)]
