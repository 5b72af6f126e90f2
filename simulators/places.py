"""From the text that says where a simulator listens to its port."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulators.hislip import HislipPort
from simulators.ports import Port, PtyPort, TcpPort
from simulators.vxi11 import Vxi11Port

_ON_TCP: Mapping[str, Callable[[str, int], Port]] = {"tcp": TcpPort, "vxi11": Vxi11Port, "hislip": HislipPort}


def port_from(listen: str) -> Port:
    """The port that `listen` names; raises ValueError in one sentence when it names none."""
    kind, _, rest = listen.partition(":")
    if kind == "pty":
        return PtyPort(rest or None)
    if kind in _ON_TCP:
        return _ON_TCP[kind](*host_and_port(listen, kind))
    raise ValueError(
        f"{listen!r} is no place to listen at; give tcp:HOST:PORT, vxi11:HOST:PORT, hislip:HOST:PORT, pty or pty:LINK."
    )


def host_and_port(listen: str, kind: str = "tcp") -> tuple[str, int]:
    """Host and port of `tcp:HOST:PORT`, or of another kind; raises ValueError in one sentence."""
    found, _, rest = listen.partition(":")
    host, _, port = rest.rpartition(":")
    if found != kind or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(
            f"{listen!r} is no TCP address; give {kind}:HOST:PORT with a port from 0 (any free one) to 65535."
        )
    return host, int(port)
