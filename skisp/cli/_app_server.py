"""The door of the page: HTTP on the loopback address, for the browser of this machine only.

The standard library serves it: nothing is to be installed, and no route leads to a file of the machine. What a page of
another site sends here, by a name of its own that leads to this address or across sites, is refused.
"""

import json
import mimetypes
import socketserver
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from ._app_workspace import Picture, Workspace
from ._errors import FAILURES, UserError, in_one_line

__all__ = ["AppServer"]

_MOST_MEGABYTES = 256  # of a file that is dropped; its pixels have the limit of read_image
_MOST_OF_A_WISH = 10_000
_PAGE = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".webp": "image/webp"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AppServer(socketserver.ThreadingTCPServer):
    """Serves the page to this machine, at ``address``.

    Parameters
    ----------
    port : int
        0 takes one that is free.
    workspace : Workspace
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, workspace: Workspace) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, workspace))
        self.hosts = [f"{name}:{self.server_address[1]}" for name in ("127.0.0.1", "localhost")]
        self.address = f"http://{self.hosts[0]}/"

    def is_busy(self) -> bool:
        """Whether a thread of its own may compute something."""
        return any(thread.daemon for thread in threading.enumerate())


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: AppServer
    server_version, sys_version = "skisp", ""
    timeout = 60  # for a sender that says no more

    def __init__(self, workspace: Workspace, *args: Any) -> None:
        self._workspace = workspace
        super().__init__(*args)

    def do_GET(self) -> None:
        """The page, a picture as it is shown, or a result."""
        folder, _, key = self.path[1:].partition("/")
        if self._is_refused({*_PAGE, f"/pictures/{key}", f"/results/{key}"}):
            return
        if self.path in _PAGE:
            name = _PAGE[self.path]
            self._send_picture(lambda: Picture(name, files(__package__).joinpath("app_page", name).read_bytes()))
        else:
            get = self._workspace.shown if folder == "pictures" else self._workspace.result
            self._send_picture(lambda: get(key))

    def do_POST(self) -> None:
        """A picture that is dropped, the kind of a procedural style, or what is to be redrawn."""
        most = dict.fromkeys(("/photograph", "/painting"), _MOST_MEGABYTES << 20)
        most |= dict.fromkeys(("/procedural", "/redraw"), _MOST_OF_A_WISH)
        length = self.headers.get("Content-Length", "")
        if self._is_refused(most):
            return
        if not length.isdecimal():
            self._send_json({"error": "the request does not say how long it is"}, 411)
        elif int(length) > most[self.path]:
            self._send_json({"error": f"the file has more than the {_MOST_MEGABYTES} MB allowed; shrink it first"}, 413)
        elif len(body := self.rfile.read(int(length))) == int(length):
            if self.path == "/redraw":
                self._redraw(body)
            elif self.path == "/procedural":
                self._send_answer(lambda: self._workspace.add_procedural(body.decode()))
            else:
                picture = Picture(unquote(self.headers.get("X-Name", "")), body)
                self._send_answer(lambda: self._workspace.add(picture, f"the {self.path[1:]}"))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _redraw(self, body: bytes) -> None:
        """Send lines of JSON: how far it is, and at the end the result or what went wrong."""
        self._begin("application/x-ndjson")

        def line(**value: Any) -> None:
            self.wfile.write(json.dumps(value).encode() + b"\n")

        try:
            wish = dict(json.loads(body))
            keys, look = (str(wish.get("content")), str(wish.get("style"))), dict(wish.get("look", {}))
            tell = lambda doing, share: line(doing=doing, share=share)  # noqa: E731
            line(result=self._workspace.redraw(*keys, look, wish.get("full") is True, tell))
        except (ConnectionError, TimeoutError):  # the page has other wishes by now
            return
        except (UserError, TypeError, *FAILURES) as error:
            line(error=in_one_line(error))

    def _is_refused(self, paths: Any) -> bool:
        """Refuse pages of other sites, by their name, their origin, or what the browser says, and unknown paths."""
        hosts = self.server.hosts
        foreign = (
            self.headers.get("Host") not in hosts
            or self.headers.get("Origin", f"http://{hosts[0]}") not in [f"http://{host}" for host in hosts]
            or self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        )
        if foreign:
            self._send_json({"error": "this page is for the browser of this machine only"}, 403)
        elif self.path not in paths:
            self._send_json({"error": "there is no such page"}, 404)
        return foreign or self.path not in paths

    def _send_answer(self, make: Callable[[], dict[str, Any]]) -> None:
        try:
            value, status = make(), 200
        except (UserError, *FAILURES) as error:
            value, status = {"error": in_one_line(error)}, 400
        self._send_json(value, status)

    def _send_picture(self, get: Callable[[], Picture]) -> None:
        try:
            name, data = get()
        except (UserError, *FAILURES) as error:
            self._send_json({"error": in_one_line(error)}, 404)
            return
        suffix = name[name.rindex(".") :]
        self._send(data, _TYPES.get(suffix) or mimetypes.types_map[suffix])

    def _send_json(self, value: dict[str, Any], status: int) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self._begin(kind, status, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _begin(self, kind: str, status: int = 200, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **_HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()
