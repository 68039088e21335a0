// SPDX-License-Identifier: LGPL-2.1-or-later
// One camera: its tile in the grid and its video.

const LEAVE = 8000; // milliseconds out of view until the video is given up
const CONNECT = 4000; // milliseconds for a connection, then other addresses are tried
// Whether this browser needs addresses other than loopback, as Firefox does.
let anywhere = sessionStorage.getItem('anywhere') === 'true';

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function stateText({ state, seconds }) {
  if (state === 'stalled')
    return `stalled ${Math.round(seconds)} s`;
  if (state === 'reconnecting' && seconds >= 0.5)
    return `reconnecting, next try in ${Math.round(seconds)} s`;
  return state;
}

export class Camera {
  constructor(number, name, send) {
    this.number = number;
    this.name = name;
    this.send = message => send({ ...message, camera: number });
    this.classes = [];
    this.status = null;
    this.stream = null;
    this.peer = null;
    this.wanted = false;
    this.leaving = 0;
    this.onstream = () => {};
    this.makeTile();
  }

  makeTile() {
    this.video = element('video',
      { muted: true, autoplay: true, playsInline: true });
    this.veil = element('span', { className: 'veil', textContent: 'connecting' });
    this.state = element('span', { className: 'state' });
    this.rate = element('span', { className: 'rate' });
    this.shares = element('span', { className: 'shares' });
    this.shares.setAttribute('aria-hidden', 'true');
    this.tile = element('a', { className: 'tile', href: `#/${this.number + 1}` },
      element('span', { className: 'picture' }, this.video, this.veil),
      this.shares,
      element('span', { className: 'bar' },
        element('strong', { textContent: this.name }),
        this.state, this.rate));
  }

  setClasses(classes) {
    this.classes = classes;
    this.shares.replaceChildren(...classes.map(([, color]) => {
      const part = element('span');
      part.style.background = color;
      return part;
    }));
  }

  setStatus(status) {
    this.status = status;
    this.tile.dataset.state = status.state;
    this.state.dataset.state = status.state;
    this.state.textContent = stateText(status);
    this.rate.textContent =
      status.state === 'live' ? `${status.fps.toFixed(0)} fps` : '';
    this.veil.textContent = this.veilText();
    status.shares.forEach((share, index) => {
      if (this.shares.children[index])
        this.shares.children[index].style.flexGrow = share;
    });
  }

  // The text over the video; empty when it is live.
  veilText() {
    if (!this.status)
      return this.tile.dataset.state === 'lost' ? 'no server' : 'connecting';
    if (this.status.state === 'live')
      return this.pictureText();
    const reason = this.status.reason;
    return stateText(this.status) + (reason ? `\n${reason}` : '');
  }

  pictureText() {
    if (this.refused)
      return 'This browser cannot play H.264.\nStart web.sh with --codec vp8.';
    return this.peer?.connectionState === 'connected' ? '' : 'opening the video';
  }

  // wanted: whether the video is in view. It is given up only after a while, so
  // that it still runs if it soon comes back into view.
  want(wanted) {
    clearTimeout(this.leaving);
    if (wanted) {
      if (!this.wanted && !this.refused)
        this.watch();
    } else if (this.wanted) {
      this.leaving = setTimeout(() => this.unwatch(), LEAVE);
    }
  }

  watch() {
    this.wanted = true;
    this.closePeer();
    this.send({ type: 'watch', anywhere });
  }

  unwatch() {
    this.wanted = false;
    this.closePeer();
    this.send({ type: 'unwatch' });
  }

  // The connection to the server is lost, and with it the state of this page.
  forget() {
    clearTimeout(this.leaving);
    this.wanted = false;
    this.closePeer();
    this.status = null;
    this.tile.dataset.state = this.state.dataset.state = 'lost';
    this.state.textContent = 'unknown';
    this.rate.textContent = '';
    this.veil.textContent = this.veilText();
  }

  closePeer() {
    clearTimeout(this.patience);
    this.peer?.close();
    this.peer = null;
  }

  async onOffer(sdp) {
    this.closePeer();
    if (!this.wanted)
      return;
    const peer = this.peer = new RTCPeerConnection();
    this.candidates = [];
    peer.ontrack = event => {
      // Low latency is worth more than an even frame rate.
      if ('jitterBufferTarget' in event.receiver)
        event.receiver.jitterBufferTarget = 0;
      this.stream = new MediaStream([event.track]);
      this.video.srcObject = this.stream;
      this.onstream();
    };
    peer.onconnectionstatechange = () => {
      if (peer !== this.peer)
        return;
      if (peer.connectionState === 'connected')
        clearTimeout(this.patience);
      else if (peer.connectionState === 'failed')
        this.again();
      if (this.status)
        this.setStatus(this.status);
    };
    this.patience = setTimeout(() => {
      anywhere = true;
      sessionStorage.setItem('anywhere', 'true');
      this.again();
    }, CONNECT);
    try {
      await peer.setRemoteDescription({ type: 'offer', sdp });
      const answer = await peer.createAnswer();
      if (/^m=video 0 /m.test(answer.sdp)) {
        this.refused = true;
        this.unwatch();
        this.veil.textContent = this.veilText();
        return;
      }
      await peer.setLocalDescription(answer);
      this.send({ type: 'answer', sdp: peer.localDescription.sdp });
      for (const candidate of this.candidates.splice(0))
        await peer.addIceCandidate(candidate);
    } catch (error) {
      if (peer === this.peer)
        console.warn(`${this.name}: ${error.message}`);
    }
  }

  onCandidate(line, candidate) {
    const init = { candidate, sdpMLineIndex: line };
    if (!this.peer?.remoteDescription)
      this.candidates?.push(init);
    else
      this.peer.addIceCandidate(init).catch (() => {});
  }

  again() {
    this.closePeer();
    setTimeout(() => {
      if (this.wanted && !this.peer)
        this.watch();
    }, 500);
  }
}
