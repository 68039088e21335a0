# SPDX-License-Identifier: LGPL-2.1-or-later
"""HTTP and WebSockets in the GLib main loop, with access control.

On a loopback address everybody on the machine has access. On any other address, or
if the user gave a token, a browser sends the token once, in POST /login, and has it
in a cookie afterwards; programs send it as a bearer token."""

import http.cookies
import ipaddress
import json
import pathlib
import secrets
import sys
import urllib.parse

import gi

gi.require_version("Soup", "3.0")
from gi.repository import Gio, GLib, Soup  # noqa: E402
from failure import Failure  # noqa: E402

SECURITY = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
TYPES = {".html": "text/html; charset=utf-8",
         ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml"}
MONTH = 30 * 24 * 3600


def read_token(path):
    token = pathlib.Path(path).read_text(encoding="ascii").strip()
    if len(token) < 16 or not token.isprintable() or set(token) & set('",; '):
        raise Failure(f"the token in {path} must have at least 16 characters, "
                      "without spaces, quotes, commas and semicolons")
    return token


def split_address(listen):
    """Returns (address, port) of [ADDRESS:]PORT."""
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]") or "127.0.0.1")
        if not 0 <= int(port) <= 65535:
            raise ValueError
    except ValueError as error:
        raise Failure(f"--listen {listen} is not [ADDRESS:]PORT with a "
                      "numeric address, such as 0.0.0.0:8080") from error
    return address, int(port)


class Server:
    """`routes` maps a path of GET to a function that returns (status, type,
    bytes). `public` names the paths that need no token."""

    def __init__(self, listen, token=None, certificate=None, key=None):
        self.address, self.port = split_address(listen)
        self.token = token
        if token is None and not self.address.is_loopback:
            self.token = secrets.token_urlsafe(24)
        self.routes = {}
        self.public = set()
        self._sockets = {}  # keeps open WebSockets alive
        self._server = Soup.Server()
        self._server.remove_websocket_extension(
            Soup.WebsocketExtensionDeflate)  # useless for small messages
        self.secure = certificate is not None
        if self.secure:
            try:
                self._server.set_tls_certificate(
                    Gio.TlsCertificate.new_from_files(
                        certificate, key or certificate))
            except GLib.Error as error:
                raise Failure(f"--cert and --key: {error.message}") from error
        self._headers = dict(SECURITY)
        if self.secure or self.address.is_loopback:
            # Elsewhere browsers ignore it, with a warning.
            self._headers["Cross-Origin-Opener-Policy"] = "same-origin"
        self._server.add_early_handler("/", self._admit)
        self._server.add_handler("/", self._answer)

    def start(self):
        address = Gio.InetSocketAddress.new_from_string(
            str(self.address), self.port)
        flags = (Soup.ServerListenOptions.HTTPS if self.secure
                 else Soup.ServerListenOptions(0))
        try:
            self._server.listen(address, flags)
        except GLib.Error as error:
            raise Failure(f"cannot listen on {self.address} port {self.port}: "
                          f"{error.message}") from error
        self.port = self._server.get_uris()[0].get_port()

    def stop(self):
        for socket in list(self._sockets):
            if socket.get_state() == Soup.WebsocketState.OPEN:
                socket.close(Soup.WebsocketCloseCode.GOING_AWAY, "")
        self._server.disconnect()

    def url(self):
        host = str(self.address)
        if self.address.is_unspecified:
            host = _own_address() or host
        if ":" in host:
            host = f"[{host}]"
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{host}:{self.port}/"

    def add_folder(self, folder, index="index.html"):
        """Serves the files of a folder, read once, to everybody."""
        for path in pathlib.Path(folder).iterdir():
            if path.suffix not in TYPES:
                continue
            answer = (200, TYPES[path.suffix], path.read_bytes())
            name = "/" if path.name == index else f"/{path.name}"
            self.routes[name] = lambda answer=answer: answer
            self.public.add(name)

    def add_socket(self, path, largest, opened):
        """Calls `opened (socket, address)` for every admitted WebSocket, with the
        server's own address that it connects to."""

        def on_socket(_server, message, _path, socket):
            socket.set_property("max-incoming-payload-size", largest)
            socket.set_property("keepalive-interval", 10)
            self._sockets[socket] = None
            socket.connect("closed",
                           lambda socket: self._sockets.pop(socket, None))
            opened(socket, message.get_local_address()
                   .get_address().to_string())

        self._server.add_early_handler(path, self._admit)
        self._server.add_websocket_handler(path, None, None, on_socket)

    def _admit(self, _server, message, path, _query=None):
        """Refuses requests by setting a status, before their body is read."""
        message.get_request_body().set_accumulate(False)
        headers = message.get_request_headers()
        status = None
        if not self._is_host(headers.get_one("Host")):
            status = 421
        elif headers.get_one("Upgrade"):
            if not _is_same_origin(headers):
                status = 403
            elif not self._knows_token(headers):
                status = 401
        elif message.get_method() == "POST":
            if not _is_same_origin(headers):
                status = 403
        elif message.get_method() not in ("GET", "HEAD"):
            status = 405
        elif path in self.routes and path not in self.public:
            if not self._knows_token(headers):
                status = 401
        if status:
            self._respond(message, status)

    def _is_host(self, host):
        """Whether the Host header is valid. Without a token, a foreign name that
        points to this machine (DNS rebinding) would give any web page access."""
        if self.token is not None:
            return bool(host)
        name = urllib.parse.urlsplit(f"//{host}").hostname
        return name in ("localhost", str(self.address), "127.0.0.1", "::1")

    def _cookie(self):
        return f"fastscnn-{self.port}"  # browsers share cookies among ports

    def _knows_token(self, headers):
        if self.token is None:
            return True
        scheme, _, given = (headers.get_one("Authorization") or "").partition(
            " ")
        if scheme.lower() != "bearer":
            try:
                cookies = http.cookies.SimpleCookie(
                    headers.get_list("Cookie") or "")
            except http.cookies.CookieError:
                return False
            cookie = cookies.get(self._cookie())
            given = cookie.value if cookie else ""
        return secrets.compare_digest(given.encode(), self.token.encode())

    def _answer(self, _server, message, path, _query=None):
        if message.get_status():
            return
        if message.get_method() == "POST":
            self._log_in(message, path)
            return
        route = self.routes.get(path)
        if route is None:
            self._respond(message, 404)
        else:
            self._respond(message, *route())

    def _log_in(self, message, path):
        if path != "/login":
            self._respond(message, 404)
            return
        if not self._knows_token(message.get_request_headers()):
            self._respond(message, 401)
            return
        if self.token is not None:
            secure = "; Secure" if self.secure else ""
            message.get_response_headers().replace(
                "Set-Cookie", f"{self._cookie()}={self.token}; Path=/; "
                f"Max-Age={MONTH}; HttpOnly; SameSite=Strict{secure}")
        self._respond(message, 204)

    def _respond(self, message, status, kind=None, content=None):
        headers = message.get_response_headers()
        for name, value in self._headers.items():
            headers.replace(name, value)
        message.set_status(status, None)
        if content is None and status >= 400:
            kind = "text/plain; charset=utf-8"
            content = f"{Soup.Status.get_phrase(status)}\n".encode()
        if content is not None:
            message.set_response(kind, Soup.MemoryUse.COPY, content)


def _is_same_origin(headers):
    origin = urllib.parse.urlsplit(headers.get_one("Origin") or "")
    return (origin.scheme in ("http", "https")
            and origin.netloc.lower() == (headers.get_one("Host")
                                          or "").lower())


def _own_address():
    """The address at which others reach this machine. Connecting UDP sends nothing."""
    socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM,
                            Gio.SocketProtocol.UDP)
    try:
        socket.connect(Gio.InetSocketAddress.new_from_string(
            "192.0.2.1", 9), None)
        return socket.get_local_address().get_address().to_string()
    except GLib.Error:
        return None
    finally:
        socket.close()


def add_monitoring(server, observers, viewers=None):
    """Adds /healthz for everybody, and /metrics for those who may see the page."""
    from observer import Metrics, health
    metrics = Metrics(observers, viewers)

    def on_health():
        healthy, answer = health(observers)
        return (200 if healthy else 503, "application/json",
                json.dumps(answer).encode())

    def on_metrics():
        try:
            return 200, *metrics.render()
        except ImportError:
            return (501, "text/plain; charset=utf-8",
                    b"Install python3-prometheus-client to see metrics here\n")

    server.routes.update({"/healthz": on_health, "/metrics": on_metrics})
    server.public.add("/healthz")


def serve_monitoring(listen, observers, viewers=None):
    """Starts and returns a separate server for the paths of add_monitoring(). Its
    answers show neither images nor addresses of cameras, so it needs no token."""
    server = Server(listen)
    add_monitoring(server, observers, viewers)
    server.public.add("/metrics")
    server.start()
    print(f"serving {server.url()}metrics", file=sys.stderr, flush=True)
    return server
