// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: all cameras in a grid, or one of them large.

import { Camera } from './camera.js';
import { Connection, logIn } from './connection.js';
import { Large } from './large.js';

const HIDDEN = 60000; // milliseconds in a hidden tab until videos are given up
const $ = id => document.getElementById(id);

let cameras = [];
let inView = new Set(); // cameras whose tiles are in view
const large = new Large();
const connection = new Connection({
  open: () => notify(''),
  message: onMessage,
  lost: (seconds, reason) => {
    notify(`${reason || 'The server does not answer'}. `
      + `Trying again in ${seconds} s.`);
    document.body.classList.add('lost');
    for (const camera of cameras)
      camera.forget();
    large.setLost();
  },
  token: () => $('login').showModal(),
});

function notify(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

function onMessage(message) {
  const camera = cameras[message.camera];
  switch (message.type) {
    case 'hello':
      document.body.classList.remove('lost');
      setCameras(message.cameras);
      break;
    case 'classes':
      camera.setClasses(message.classes);
      if (camera === large.camera) {
        large.setClasses();
        camera.send({ type: 'history' });
      }
      break;
    case 'status':
      setStatus(message);
      connection.send({ type: 'seen' });
      break;
    case 'history':
      if (camera === large.camera)
        large.setHistory(message.shares);
      break;
    case 'offer':
      camera.onOffer(message.sdp);
      break;
    case 'candidate':
      camera.onCandidate(message.line, message.candidate);
      break;
    case 'ended':
      camera.again();
      break;
  }
}

const tiles = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) {
    const camera = cameras.find(({ tile }) => tile === target);
    if (camera)
      inView[isIntersecting ? 'add' : 'delete'](camera);
  }
  updateWanted();
}, { rootMargin: '200px' });

function setCameras(names) {
  large.close();
  tiles.disconnect();
  inView = new Set();
  cameras = names.map((name, number) => new Camera(
    number, name, message => connection.send(message)));
  $('grid').replaceChildren(...cameras.map(({ tile }) => tile));
  for (const { tile } of cameras)
    tiles.observe(tile);
  document.body.classList.toggle('many', cameras.length > 1);
  route();
}

let lastStep = 0;

function setStatus({ viewers, cameras: statuses, step }) {
  statuses.forEach((status, number) => cameras[number].setStatus(status));
  if (large.camera)
    large.setStatus(step !== lastStep);
  lastStep = step;
  const live = statuses.filter(({ state }) => state === 'live').length;
  $('summary').textContent =
    (cameras.length > 1 ? `${live} of ${cameras.length} live, ` : '')
    + (viewers === 1 ? '1 viewer' : `${viewers} viewers`);
}

// Opens the camera that the address names; a single camera is always large.
function route() {
  const number = cameras.length === 1 ? 1
    : Number(location.hash.match(/^#\/(\d+)$/)?.[1] ?? 0);
  const camera = cameras[number - 1];
  $('large').hidden = !camera;
  $('grid').hidden = Boolean(camera);
  document.title = camera ? camera.name : 'Cameras';
  if (camera) {
    large.open(camera);
    $('previous').href = `#/${(number + cameras.length - 2) % cameras.length + 1}`;
    $('next').href = `#/${number % cameras.length + 1}`;
  } else {
    large.close();
  }
  updateWanted();
}

function updateWanted() {
  for (const camera of cameras)
    camera.want(large.camera ? camera === large.camera : inView.has(camera));
}

let hidden = 0;
document.addEventListener('visibilitychange', () => {
  clearTimeout(hidden);
  if (document.hidden)
    hidden = setTimeout(() => cameras.forEach(camera => camera.want(false)),
      HIDDEN);
  else
    updateWanted();
});

addEventListener('hashchange', () => {
  const before = large.camera;
  route();
  if (before && !large.camera)
    before.tile.focus();
});

addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey
      || document.querySelector('dialog[open]')
      || event.target.matches('select, input[type=range], input[type=radio]'))
    return;
  const key = event.key.toLowerCase();
  if (key === '?')
    $('help').showModal();
  else if (/^[1-9]$/.test(key) && key <= cameras.length)
    location.hash = `#/${key}`;
  else if (!large.camera)
    moveFocus(key);
  else if (key === 'escape')
    location.hash = '#/';
  else if (key === 'arrowleft' && cameras.length > 1)
    $('previous').click();
  else if (key === 'arrowright' && cameras.length > 1)
    $('next').click();
  else
    large.onKey(key);
});

function moveFocus(key) {
  const step = { arrowleft: -1, arrowup: -1, arrowright: 1, arrowdown: 1 }[key];
  if (!step)
    return;
  const at = cameras.findIndex(({ tile }) => tile === document.activeElement);
  const to = at < 0 ? 0 : Math.max(0, Math.min(cameras.length - 1, at + step));
  cameras[to]?.tile.focus();
}

$('help-open').onclick = () => $('help').showModal();
$('login').addEventListener('cancel', event => event.preventDefault());
$('login-form').addEventListener('submit', async event => {
  event.preventDefault();
  if (await logIn($('token').value).catch (() => false)) {
    $('token').value = '';
    $('login').close();
    connection.open();
  } else {
    $('login-error').hidden = false;
  }
});

async function start() {
  // The printed address has the token behind the #, which is never sent.
  if (location.hash.length > 1 && !location.hash.startsWith('#/')) {
    const token = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, '', location.pathname);
    await logIn(token).catch (() => false);
  }
  connection.open();
}

start();
