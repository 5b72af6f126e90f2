"""The page on this machine to which a browser brings the code back (RFC 8252 section 7.3): a free port of the loopback,
open for one log-in."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import OAuthError

_DONE = (
    b"<!doctype html><meta charset=utf-8><title>acquire</title><p>You may close this page and go on at the terminal."
)
LONGEST_REQUEST_S = 10.0


class Answer:
    """What comes back: one request with the state of this log-in; others are answered and forgotten."""

    def __init__(self, server: HTTPServer, state: str, within_s: float) -> None:
        self._server, self._state, self._within_s = server, state, within_s
        self.came: dict[str, str] | None = None
        self.redirect_uri = f"http://127.0.0.1:{server.server_port}/"

    def code(self) -> str:
        """The code, once it came. Raises OAuthError: refused there, or nothing came in time."""
        until = time.monotonic() + self._within_s
        while self.came is None:
            self._server.timeout = until - time.monotonic()
            if self._server.timeout <= 0:
                raise OAuthError("expired_token")
            self._server.handle_request()
        if "code" not in self.came:
            raise OAuthError(self.came.get("error", "no code"))
        return self.came["code"]

    def take(self, query: str) -> bool:
        """Whether this request is the one; another state is somebody else's (RFC 6749 section 10.12)."""
        said = {name: values[0] for name, values in parse_qs(query).items()}
        if not hmac.compare_digest(said.get("state", "").encode(), self._state.encode()):
            return False
        self.came = said
        return True


@contextmanager
def redirected(state: str, within_s: float) -> Iterator[Answer]:
    """A server for one log-in, that knows its own by `state`."""

    class Page(BaseHTTPRequestHandler):
        timeout = LONGEST_REQUEST_S

        def do_GET(self) -> None:
            ours = answer.take(urlsplit(self.path).query)
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            if ours:
                self.wfile.write(_DONE)

        def log_message(self, *_: Any) -> None:
            """Nothing: the line would hold the code."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        answer = Answer(server, state, within_s)
        yield answer
