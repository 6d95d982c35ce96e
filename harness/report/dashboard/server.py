"""The web server of the dashboard, which is read-only and bound to loopback.

Other sites may try to read from it through a browser. So requests must name loopback as their
host (which stops DNS rebinding), no other site may embed a reply, and reports request nothing.
"""

import errno
import os
import re
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_to_bytes

from harness.errors import UserError
from harness.report.dashboard.view import View

HOST = "127.0.0.1"
#: The default port; if it is taken, the next free one is used.
PORT = 8765
_PORTS = 20
#: Hosts that a request may name; other ports occur with tunnels.
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)
_FILES = "/files/"
_PLAIN = "text/plain; charset=utf-8"
#: Suffix -> media type of files of reports. Others (weights, journals, logs) are not served.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": _PLAIN,
    ".md": _PLAIN,
    ".json": "application/json",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Reports hold their scripts, styles and pictures in themselves or beside them.
_REPORTS = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DASHBOARD = "frame-ancestors 'none'"  # the rest is in the page itself
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class Server(ThreadingHTTPServer):
    """The server of a folder's dashboard; port 0 takes any free one.

    Raises:
        OSError: the port cannot be used.
    """

    daemon_threads = True

    def __init__(self, root: Path, view: View, port: int) -> None:
        self.root, self.view = root.resolve(), view
        super().__init__((HOST, port), Handler)

    @property
    def url(self) -> str:
        """Return the address of the dashboard."""
        return f"http://{HOST}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind without a DNS look-up of this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Report errors other than lost connections to browsers."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def listen(root: Path, view: View, port: int | None) -> Server:
    """Return a listening server; without a port it takes `PORT` or the next free one.

    Raises:
        UserError: the port is taken or not permitted.
    """
    ports = range(PORT, PORT + _PORTS) if port is None else [port]
    for candidate in ports:
        try:
            return Server(root, view, candidate)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    subject = f"port {port} is" if port is not None else f"ports {PORT} to {PORT + _PORTS - 1} are"
    raise UserError(f"{subject} taken, or not yours to use: name another with --port")


class Handler(BaseHTTPRequestHandler):
    """The handler of a request."""

    server: Server
    timeout = 30
    server_version = "nca"
    sys_version = ""

    def do_GET(self) -> None:
        """Send the requested page, update or file."""
        path, _, query = self.path.partition("?")
        if not self._is_local():
            return
        if path == "/":
            page = self.server.view.page().encode()
            self._send(HTTPStatus.OK, _TYPES[".html"], page, _DASHBOARD)
        elif path == "/live":
            self._send(HTTPStatus.OK, _TYPES[".json"], self.server.view.live(query).encode())
        elif path.startswith(_FILES):
            self._file(_served(self.server.root, path.removeprefix(_FILES)))
        elif path == "/favicon.ico":  # browsers ask for it by themselves
            self._send(HTTPStatus.NO_CONTENT, _PLAIN, b"")
        else:
            self._send(HTTPStatus.NOT_FOUND, _PLAIN, b"nothing here\n")

    def do_HEAD(self) -> None:
        """Send the headers of `do_GET` without the body."""
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse an unreadable request or an unknown method in plain text."""
        del message, explain
        status, more = HTTPStatus(code), {}
        if status == HTTPStatus.NOT_IMPLEMENTED:  # the parent's status for a method without do_...
            status, more = HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"}
        self._send(status, _PLAIN, f"{status.phrase}\n".encode(), **more)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Log nothing: the terminal shows the address."""

    def _is_local(self) -> bool:
        """Return True if the request names loopback as its host; refuse it otherwise."""
        named = self.headers.get_all("Host") or []
        if len(named) == 1 and _LOOPBACK.fullmatch(named[0]):
            return True
        message = f"this server answers to http://{HOST}:{self.server.server_port}/ only\n"
        self._send(HTTPStatus.FORBIDDEN, _PLAIN, message.encode())
        return False

    def _file(self, file: Path | None) -> None:
        try:
            body = None if file is None else file.read_bytes()
        except OSError:
            body = None
        if file is None or body is None:
            return self._send(HTTPStatus.NOT_FOUND, _PLAIN, b"no file that is served\n")
        suffix = file.suffix.lower()
        policy = _REPORTS if suffix == ".html" else _INERT
        return self._send(HTTPStatus.OK, _TYPES[suffix], body, policy)

    def _send(
        self, status: HTTPStatus, kind: str, body: bytes, policy: str = _INERT, **more: str
    ) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS, **more}
        for name, value in {**headers, "Content-Security-Policy": policy}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _served(root: Path, path: str) -> Path | None:
    """Return the file at the path of a URL, or None if it is missing or must not be served.

    The root is resolved; the path is percent-encoded, without a leading slash.
    """
    parts = os.fsdecode(unquote_to_bytes(path)).split("/")
    # Once decoded nothing may climb, hide, or be read otherwise by the file system.
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        file = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there; links in a circle; no name at all
        return None
    inside = file.is_relative_to(root) and file.is_file()
    hidden = inside and any(part.startswith(".") for part in file.relative_to(root).parts)
    return file if inside and not hidden and file.suffix.lower() in _TYPES else None
