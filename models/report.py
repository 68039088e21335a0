# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes an evaluation as one self-contained HTML page."""

import base64
import html
import io

import numpy as np
from PIL import Image

from metrics import Confusion

PICTURE_WIDTH = 480
MISTAKES = 3  # named per frame
WRONG = (230, 60, 40)
STYLE = """
:root { --text: #222; --page: #fff; --faint: #8884; --soft: #777; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ddd; --page: #1b1b1b; --faint: #8886; --soft: #999; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 84em;
       padding: 0 1em; color: var(--text); background: var(--page); }
h1 { margin-bottom: 0; } h2 { margin: 2em 0 0; }
p { margin: .3em 0 1em; color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: normal; text-align: left; white-space: nowrap; }
td { text-align: right; padding: 2px 8px; white-space: nowrap; }
i { display: inline-block; width: .9em; height: .9em; margin-inline-end: .4em;
    border: 1px solid var(--faint); vertical-align: -.1em; }
.classes { width: 100%; max-width: 60em; }
.classes thead th { color: var(--soft); padding: 0 8px; text-align: right; }
.classes td:nth-child(3) { width: 100%; }
.track { background: var(--faint); height: 1em; }
.track div { height: 100%; box-sizing: border-box; border: 1px solid var(--faint); }
.wide { overflow-x: auto; }
.matrix td { width: 2.6em; min-width: 2.6em; padding: 2px 4px; text-align: center;
             border: 1px solid var(--faint); }
.matrix th { padding-right: .6em; }
.matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg);
                   padding: .5em 0 0; }
.legend { display: flex; flex-wrap: wrap; gap: .2em 1.2em; margin-bottom: 1em; }
.frame { display: grid; grid-template-columns: repeat(4, 1fr); gap: 2px;
         margin: 0 0 1.2em; }
.frame img { width: 100%; display: block; } .frame figcaption { grid-column: 1 / 5; }
"""


def write(folder, evaluation):
    folder.mkdir(parents=True, exist_ok=True)
    summary = evaluation.summary()
    worst = evaluation.worst()
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{html.escape(evaluation.model)}: mean IoU {summary["miou"]:.3f}</title>
<style>{STYLE}</style></head><body>
<h1>Mean IoU {summary["miou"]:.4f}</h1>
<p>{html.escape(evaluation.model)}, {len(evaluation.labels)} classes,
{summary["frames"]} frames</p>
<h2>Classes</h2>
<p>IoU; of its true pixels, how many were found; of the pixels drawn as it, how many are
right; how much of the frames it is.</p>
{_bars(evaluation)}
<h2>What was taken for what</h2>
<p>Of the pixels of a row's class, the percentage drawn as the column's.</p>
{_matrix(evaluation)}
<h2>The {len(worst)} worst frames</h2>
<p>Frame, truth, mask, and what is wrong. Black in the truth has no class and does not
count.</p>
<div class="legend">{"".join(f"<span>{name}</span>" for name in _names(evaluation))}</div>
{"".join(_frame(evaluation, *frame) for frame in worst)}
</body></html>
"""
    (folder / "index.html").write_text(page, encoding="utf-8")


def _names(evaluation):
    """The labels as HTML, each after a square of its colour."""
    return [f"<i style='background:rgb{tuple(color)}'></i>{html.escape(label)}"
            for label, color in zip(evaluation.labels, evaluation.colors)]


def _bars(evaluation):
    confusion = evaluation.confusion
    hit, truth = confusion.counts.diagonal(), confusion.truth()
    found, right = _percent(hit, truth), _percent(hit, confusion.counts.sum(0))
    share = _percent(truth, truth.sum())
    rows = ["<thead><tr><th></th><th>IoU</th><th></th><th>found</th>"
            "<th>right</th><th>of all</th></tr></thead>"]
    for c, (name, iou) in enumerate(zip(_names(evaluation), confusion.iou())):
        numbers = "".join(f"<td>{_percentage(values[c])}</td>"
                          for values in (found, right, share))
        color = "rgb" + str(tuple(evaluation.colors[c]))
        rows.append(
            f"<tr><th>{name}</th><td>{'' if np.isnan(iou) else f'{iou:.3f}'}</td>"
            f"<td><div class='track'><div style='width:{100 * np.nan_to_num(iou):.1f}%;"
            f"background:{color}'></div></div></td>{numbers}</tr>")
    return f"<table class='classes'>{''.join(rows)}</table>"


def _matrix(evaluation):
    counts, missed = evaluation.confusion.counts, evaluation.confusion.missed
    names = _names(evaluation)
    heads = names + (["unknown"] if missed.any() else [])
    table = np.column_stack([counts, missed])[:, :len(heads)]
    rows = ["<thead><tr><th></th>" + "".join(f"<th>{name}</th>" for name in heads)
            + "</tr></thead>"]
    for c, (name, line) in enumerate(zip(names, table)):
        cells = []
        for d, value in enumerate(_percent(line, evaluation.confusion.truth()[c])):
            color = "60,160,80" if c == d else "{},{},{}".format(*WRONG)
            # The square root makes small mistakes visible, too.
            shade = np.sqrt(np.nan_to_num(value) / 100) * 0.8
            cells.append(f"<td style='background:rgba({color},{shade:.2f})'>"
                         f"{f'{value:.1f}' if value >= 0.05 else ''}</td>")
        rows.append(f"<tr><th>{name}</th>{''.join(cells)}</tr>")
    return f"<div class='wide'><table class='matrix'>{''.join(rows)}</table></div>"


def _percent(part, whole):
    return np.where(whole > 0, 100 * part / np.maximum(whole, 1), np.nan)


def _percentage(value):
    return "" if np.isnan(value) else f"{value:.1f} %"


def _frame(evaluation, iou, path, truth, mask):
    classes = len(evaluation.labels)
    palette = np.zeros((256, 3), np.uint8)
    palette[:classes] = evaluation.colors
    with Image.open(path) as image:
        picture = image.convert("RGB")
    dim = np.asarray(picture.convert("L").resize(mask.shape[::-1])) // 2
    wrong = np.where(((truth < classes) & (truth != mask))[..., None],
                     np.uint8(WRONG), dim[..., None])
    shown = _embed(picture, "JPEG") + "".join(
        _embed(Image.fromarray(pixels), "PNG")
        for pixels in (palette[truth], palette[mask])
    ) + _embed(Image.fromarray(wrong), "JPEG")
    return (f"<figure class='frame'>{shown}<figcaption>{html.escape(path.name)}: "
            f"{iou:.3f}; {_mistakes(evaluation, truth, mask)}</figcaption></figure>")


def _mistakes(evaluation, truth, mask):
    counts = Confusion(len(evaluation.labels)).add(truth, mask)
    total = counts.sum()
    np.fill_diagonal(counts, 0)
    labels = [html.escape(label) for label in evaluation.labels] + ["unknown"]
    order = np.argsort(counts, None)[::-1][:MISTAKES]
    pairs = [np.unravel_index(i, counts.shape) for i in order if counts.flat[i]]
    return ", ".join(f"{labels[drawn]} instead of {labels[true]} "
                     f"{100 * counts[true, drawn] / total:.1f} %"
                     for true, drawn in pairs) or "nothing is wrong"


def _embed(picture, kind):
    height = round(picture.height * PICTURE_WIDTH / picture.width)
    data = io.BytesIO()
    sampling = Image.Resampling.NEAREST if kind == "PNG" else Image.Resampling.BILINEAR
    picture.resize((PICTURE_WIDTH, height), sampling).save(data, kind)
    text = base64.b64encode(data.getvalue()).decode()
    return f"<img alt='' src='data:image/{kind.lower()};base64,{text}'>"
