# SPDX-License-Identifier: LGPL-2.1-or-later
"""An evaluation as one HTML page that needs nothing beside it."""

import base64
import html
import io

import numpy as np
from PIL import Image

PICTURE_WIDTH = 400
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 80em;
       padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; }
th { font-weight: normal; text-align: left; padding-right: 1em; }
td { padding: 2px 6px; font-variant-numeric: tabular-nums; }
.bar { height: 1.1em; min-width: 1px; border: 1px solid #0003; }
.matrix td { text-align: right; }
figure { margin: 1.5em 0; } figure img { width: 33%; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } }
"""


def write(folder, evaluation):
    folder.mkdir(parents=True, exist_ok=True)
    summary = evaluation.summary()
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Segmentation report</title>
<style>{STYLE}</style></head><body>
<h1>Mean IoU {summary["miou"]:.4f}</h1>
<p>{summary["frames"]} frames, {len(evaluation.labels)} classes.</p>
<h2>Classes</h2>{_bars(evaluation)}
<h2>What was taken for what</h2>
<p>Rows are the truth, columns the mask, in percent of the row.</p>
{_matrix(evaluation)}
<h2>Worst frames</h2><p>Frame, truth, mask.</p>{_frames(evaluation)}
</body></html>
"""
    (folder / "index.html").write_text(page, encoding="utf-8")


def _bars(evaluation):
    rows = []
    for label, color, iou in zip(evaluation.labels, evaluation.colors,
                                 evaluation.confusion.iou()):
        value = 0 if np.isnan(iou) else iou
        text = "does not occur" if np.isnan(iou) else f"{iou:.3f}"
        rows.append(
            f"<tr><th>{html.escape(label)}</th><td>{text}</td><td style='width:40em'>"
            f"<div class='bar' style='width:{100 * value:.1f}%;"
            f"background:rgb{tuple(color)}'></div></td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _matrix(evaluation):
    counts = evaluation.confusion.counts
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [html.escape(label) for label in evaluation.labels]
    rows = ["<tr><th></th>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"]
    for name, line in zip(names, share):
        cells = "".join(
            f"<td style='background:rgba(40,120,220,{value / 130:.2f})'>{value:.1f}</td>"
            for value in line)
        rows.append(f"<tr><th>{name}</th>{cells}</tr>")
    return f"<table class='matrix'>{''.join(rows)}</table>"


def _frames(evaluation):
    palette = np.zeros((256, 3), np.uint8)
    palette[:len(evaluation.colors)] = evaluation.colors
    figures = []
    for iou, path, truth, mask in evaluation.worst():
        with Image.open(path) as image:
            pictures = [image.convert("RGB")]
        pictures += [Image.fromarray(palette[ids]) for ids in (truth, mask)]
        figures.append(f"<figure>{''.join(_embed(p) for p in pictures)}<figcaption>"
                       f"{html.escape(path.name)}: {iou:.3f}</figcaption></figure>")
    return "".join(figures)


def _embed(picture):
    height = round(picture.height * PICTURE_WIDTH / picture.width)
    data = io.BytesIO()
    picture.resize((PICTURE_WIDTH, height)).save(data, "JPEG", quality=85)
    text = base64.b64encode(data.getvalue()).decode()
    return f"<img alt='' src='data:image/jpeg;base64,{text}'>"
