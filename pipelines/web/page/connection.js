// SPDX-License-Identifier: LGPL-2.1-or-later
// The WebSocket to the server: opened again whenever it is lost.

const WAITS = [1, 2, 4, 8];

export class Connection {
  // on.message (message), on.open (), on.lost (seconds until the next attempt,
  // reason), on.token (): the server wants a token.
  constructor(on) {
    this.on = on;
    this.attempts = 0;
    this.socket = null;
  }

  async open() {
    let session = null;
    try {
      session = await fetch('session');
    } catch (error) {
      this.retry('');
      return;
    }
    if (session.status === 401) {
      this.on.token();
      return;
    }
    const url = new URL('live', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    const socket = this.socket = new WebSocket(url);
    socket.onopen = () => {
      this.attempts = 0;
      this.on.open();
    };
    socket.onmessage = event => this.on.message(JSON.parse(event.data));
    socket.onclose = event => {
      if (socket === this.socket)
        this.retry(event.reason);
    };
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN)
      this.socket.send(JSON.stringify(message));
  }

  retry(reason) {
    this.socket = null;
    const wait = WAITS[Math.min(this.attempts++, WAITS.length - 1)];
    this.on.lost(wait, reason);
    setTimeout(() => this.open(), wait * 1000);
  }
}

// Returns whether the server accepts the token; it is then in a cookie.
export async function logIn(token) {
  const answer = await fetch('login', {
    method: 'POST', headers: { Authorization: `Bearer ${token}` },
  });
  return answer.ok;
}
