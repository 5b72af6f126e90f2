"""House rules for transports: no thread of a port is left over, and pyserial does not sleep when it closes a socket."""

from __future__ import annotations

import threading
import types
from collections.abc import Iterator

import pytest
from serial.urlhandler import protocol_socket


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("port-")] == []


@pytest.fixture(autouse=True)
def pyserial_closes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sleeps 0.3 s "in case of quick reconnects"."""
    monkeypatch.setattr(protocol_socket, "time", types.SimpleNamespace(sleep=lambda _: None))
