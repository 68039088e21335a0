// SPDX-License-Identifier: LGPL-2.1-or-later
// The shares of the classes over time, stacked: one sample a second, the
// newest at the right.

const SAMPLES = 300;
const HEIGHT = 1000; // shares are given in thousandths
const MARGIN = { left: 46, right: 8, top: 6, bottom: 20 };

export class Chart {
  constructor(canvas, tip, range) {
    this.canvas = canvas;
    this.tip = tip;
    this.range = range;
    this.samples = [];
    this.classes = [];
    this.cursor = null;
    canvas.addEventListener('pointermove', event => this.point(event.offsetX));
    canvas.addEventListener('pointerleave', () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)')
      .addEventListener('change', () => this.draw());
  }

  set(classes, samples) {
    this.classes = classes;
    this.samples = samples.slice(-SAMPLES);
    this.draw();
  }

  add(sample) {
    this.samples.push(sample);
    if (this.samples.length > SAMPLES)
      this.samples.shift();
    this.draw();
  }

  // Seconds on the scale: begins with one minute and grows with the samples.
  span() {
    return [60, 120, 180, 240, SAMPLES].find(n => this.samples.length <= n)
      ?? SAMPLES;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height)
      return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    const plot = this.plot = {
      x: MARGIN.left, y: MARGIN.top,
      width: width - MARGIN.left - MARGIN.right,
      height: height - MARGIN.top - MARGIN.bottom,
    };
    this.drawAreas(context, plot);
    this.drawAxes(context, plot);
    this.drawCursor(context, plot);
  }

  xOf(index) {
    const fromRight = this.samples.length - 1 - index;
    return this.plot.x + this.plot.width * (1 - fromRight / (this.span() - 1));
  }

  drawAreas(context, plot) {
    const yOf = share => plot.y + plot.height * (1 - share / HEIGHT);
    for (const [begin, end] of this.runs()) {
      const below = new Array(end - begin).fill(0);
      this.classes.forEach(([, color], number) => {
        context.beginPath();
        for (let i = end - 1; i >= begin; i--)
          context.lineTo(this.xOf(i), yOf(below[i - begin]));
        for (let i = begin; i < end; i++) {
          below[i - begin] += this.samples[i][number] ?? 0;
          context.lineTo(this.xOf(i), yOf(below[i - begin]));
        }
        context.closePath();
        context.fillStyle = color;
        context.fill();
        context.strokeStyle = this.style('--surface');
        context.lineWidth = 0.5;
        context.stroke();
      });
    }
  }

  // Yields [begin, end) of consecutive samples during which the camera was live.
  * runs() {
    let begin = null;
    for (let i = 0; i <= this.samples.length; i++) {
      const there = this.samples[i]?.length > 0;
      if (there && begin === null)
        begin = i;
      if (!there && begin !== null) {
        yield [begin, i];
        begin = null;
      }
    }
  }

  drawAxes(context, plot) {
    context.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    context.fillStyle = this.style('--muted');
    context.strokeStyle = this.style('--line');
    context.lineWidth = 1;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const percent of [0, 25, 50, 75, 100]) {
      const y = Math.round(plot.y + plot.height * (1 - percent / 100)) + .5;
      context.globalAlpha = percent % 100 ? .5 : 1;
      context.beginPath();
      context.moveTo(plot.x, y);
      context.lineTo(plot.x + plot.width, y);
      context.stroke();
      context.globalAlpha = 1;
      if (percent % 50 === 0)
        context.fillText(`${percent} %`, plot.x - 6, y);
    }
    context.textBaseline = 'top';
    const span = this.span();
    this.range.textContent = span > 60
      ? `over the last ${span / 60} minutes` : 'over the last minute';
    const step = span > 60 ? 60 : 15;
    for (let seconds = 0; seconds <= span; seconds += step) {
      const x = plot.x + plot.width * (1 - seconds / span);
      context.textAlign = seconds === 0 ? 'right' : seconds === span ? 'left' : 'center';
      context.fillText(seconds === 0 ? 'now' : span > 60
        ? `${seconds / 60} min` : `${seconds} s`, x, plot.y + plot.height + 6);
    }
  }

  drawCursor(context, plot) {
    this.tip.hidden = true;
    if (this.cursor === null || !this.samples.length)
      return;
    const seconds = Math.round(
      (1 - (this.cursor - plot.x) / plot.width) * (this.span() - 1));
    const sample = this.samples[this.samples.length - 1 - seconds];
    if (seconds < 0 || !sample?.length)
      return;
    context.strokeStyle = this.style('--text');
    context.beginPath();
    context.moveTo(this.cursor, plot.y);
    context.lineTo(this.cursor, plot.y + plot.height);
    context.stroke();
    this.tip.hidden = false;
    this.tip.textContent = [seconds ? `${seconds} s ago` : 'now',
      describe(this.classes, sample, 5)].join(': ');
  }

  point(x) {
    this.cursor = x;
    this.draw();
  }

  style(name) {
    return getComputedStyle(this.canvas).getPropertyValue(name);
  }
}

// "road 36 %, tree 30 %": the largest shares.
export function describe(classes, shares, most) {
  return shares.map((share, number) => [share, classes[number]?.[0]])
    .filter(([share, label]) => share >= 5 && label)
    .sort((a, b) => b[0] - a[0]).slice(0, most)
    .map(([share, label]) => `${label} ${(share / 10).toFixed(0)} %`)
    .join(', ');
}
