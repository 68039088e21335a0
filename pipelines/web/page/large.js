// SPDX-License-Identifier: LGPL-2.1-or-later
// One camera, large: its video, its figures, its controls.

import { element, stateText } from './camera.js';
import { Chart, describe } from './chart.js';

const MODES = ['blend', 'mask', 'contour', 'blur', 'pixelate', 'cutout'];
const WITH_ALPHA = ['blend'];
const OWN = 700; // milliseconds after a change before the server's settings count
const PACE = 80; // milliseconds between two messages of a slider
const $ = id => document.getElementById(id);

export class Large {
  constructor() {
    this.camera = null;
    this.chart = new Chart($('chart'), $('chart-tip'), $('chart-range'));
    this.changed = 0;
    this.later = 0;
    this.facts = {};
    for (const [name, label] of [
      ['fps', 'frames a second'], ['ips', 'inferences a second'],
      ['age', 'age of the mask'], ['restarts', 'restarts']]) {
      this.facts[name] = element('dd');
      $('facts').append(element('div', {},
        this.facts[name], element('dt', { textContent: label })));
    }
    for (const mode of MODES)
      $('modes').append(element('label', {},
        element('input', { type: 'radio', name: 'mode', value: mode }),
        element('span', { textContent: mode })));
    $('controls').addEventListener('input', event => this.onInput(event));
    $('controls').addEventListener('submit', event => event.preventDefault());
    $('classes-all').onclick = () => this.hide([]);
    $('classes-none').onclick = () =>
      this.hide(this.camera.classes.map((_, number) => number));
    $('fullscreen').onclick = () => this.toggleFullScreen();
  }

  open(camera) {
    this.close();
    this.camera = camera;
    camera.onstream = () => this.showStream();
    this.showStream();
    $('large-name').textContent = camera.name;
    this.setClasses();
    camera.send({ type: 'history' });
    if (camera.status)
      this.setStatus();
  }

  close() {
    if (this.camera)
      this.camera.onstream = () => {};
    this.camera = null;
    this.setSettings(null);
    $('large-video').srcObject = null;
  }

  showStream() {
    $('large-video').srcObject = this.camera.stream;
  }

  setClasses() {
    const { classes } = this.camera;
    this.rows = classes.map(([label, color], number) => {
      const box = element('input', { type: 'checkbox', checked: true });
      const bar = element('span', { className: 'meter' });
      const share = element('output');
      const row = element('li', {}, element('label', {}, box,
        element('span', { className: 'label', textContent: label }),
        element('span', { className: 'track' }, bar), share));
      row.style.setProperty('--class', color);
      box.dataset.label = label;
      box.onchange = () => this.hide(this.rows.flatMap(
        (other, index) => other.box.checked ? [] : [index]));
      return { number, row, box, bar, share };
    });
    $('classes').replaceChildren(...this.rows.map(({ row }) => row));
    this.chart.set(classes, []);
  }

  setHistory(shares) {
    this.chart.set(this.camera.classes, shares.map(share => share ?? []));
  }

  setLost() {
    if (!this.camera)
      return;
    $('large-state').dataset.state = $('large').dataset.state = 'lost';
    $('large-state').textContent = 'unknown';
    $('large-veil').textContent = this.camera.veilText();
    this.setSettings(null);
  }

  setStatus(sample = false) {
    const { status, classes } = this.camera;
    const live = status.state === 'live';
    $('large-state').dataset.state = $('large').dataset.state = status.state;
    $('large-state').textContent = stateText(status);
    $('large-veil').textContent = this.camera.veilText();
    this.facts.fps.textContent = live ? status.fps.toFixed(1) : '–';
    this.facts.ips.textContent = live ? status.ips.toFixed(1) : '–';
    this.facts.age.textContent =
      live ? `${Math.round(status.age * 1000)} ms` : '–';
    this.facts.restarts.textContent = status.restarts;
    for (const { number, bar, share } of this.rows) {
      const value = live ? status.shares[number] ?? 0 : 0;
      bar.style.width = `${value / 10}%`;
      share.textContent = value ? `${(value / 10).toFixed(1)} %` : '';
    }
    if (sample)
      this.chart.add(live ? status.shares : []);
    $('chart').setAttribute('aria-label',
      'Share of each class over the last minutes; now '
      + (describe(classes, status.shares, 5) || 'unknown'));
    if (Date.now() - this.changed > OWN)
      this.setSettings(status.settings);
  }

  // settings: null if unknown; the controls are then disabled.
  setSettings(settings) {
    this.settings = settings;
    document.querySelector('#large .panel').inert = !settings;
    if (!settings)
      return;
    for (const radio of $('modes').querySelectorAll('input'))
      radio.checked = radio.value === settings.mode;
    $('alpha').value = Math.round(settings.alpha * 100);
    $('alpha-value').textContent = `${$('alpha').value} %`;
    $('alpha-row').classList.toggle('off', !WITH_ALPHA.includes(settings.mode));
    $('contours').checked = settings.contours;
    $('legend').value = settings.legend;
    for (const { number, box } of this.rows)
      box.checked = !settings.hidden.includes(number);
  }

  // Shown at once; sent at most every PACE milliseconds.
  change(settings) {
    if (!this.settings)
      return;
    this.changed = Date.now();
    this.setSettings({ ...this.settings, ...settings });
    this.unsent = { ...this.unsent, ...settings };
    if (this.later)
      return;
    const { camera } = this;
    this.later = setTimeout(() => {
      camera.send({ type: 'set', ...this.unsent });
      this.unsent = {};
      this.later = 0;
    }, PACE);
  }

  hide(hidden) {
    this.change({ hidden });
  }

  onInput({ target }) {
    if (target.name === 'mode')
      this.change({ mode: target.value });
    else if (target.id === 'alpha')
      this.change({ alpha: target.value / 100 });
    else if (target.id === 'contours')
      this.change({ contours: target.checked });
    else if (target.id === 'legend')
      this.change({ legend: target.value });
  }

  onKey(key) {
    const next = (list, value) => list[(list.indexOf(value) + 1) % list.length];
    if (!this.settings)
      return;
    if (key === 'm')
      this.change({ mode: next(MODES, this.settings.mode) });
    else if (key === 'c')
      this.change({ contours: !this.settings.contours });
    else if (key === 'l')
      this.change({ legend: next(
        [...$('legend').options].map(option => option.value),
        this.settings.legend) });
    else if (key === 'f')
      this.toggleFullScreen();
  }

  toggleFullScreen() {
    const picture = document.querySelector('#large .picture');
    if (document.fullscreenElement)
      document.exitFullscreen();
    else if (picture.requestFullscreen)
      picture.requestFullscreen();
    else // a telephone's own player
      $('large-video').webkitEnterFullscreen?.();
  }
}
