"""A broker that is named and not numbered: its addresses are tried as they are found, its certificate by the name."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port, running_mosquitto
from guarded import Guarded

from acquire.bus import line
from acquire.bus.client import BusError, connect
from acquire.bus.endpoint import Endpoint


def found(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Every name has these addresses."""

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def refused(endpoint: Endpoint) -> str:
    with pytest.raises(BusError) as error:
        async with connect(endpoint, "x"):
            pass
    return str(error.value)


async def test_each_address_is_tried_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = "127.0.0.1", free_port()
    async with running_mosquitto(tmp_path) as broker:
        found(monkeypatch, nobody, ("127.0.0.1", broker.port))
        async with connect(Endpoint("broker.example", 1883), "x") as connection:
            await connection.publish("t", b"x")
        found(monkeypatch, nobody, nobody)
        assert await refused(Endpoint("broker.example", 1883)) == "broker.example:1883: Connection refused"


async def test_an_address_that_does_not_answer_keeps_nobody_from_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, silent = asyncio.get_running_loop(), ("192.0.2.1", 1883)
    reach = loop.sock_connect

    async def sock_connect(sock: socket.socket, address: tuple[str, int]) -> None:
        await (asyncio.Event().wait() if address == silent else reach(sock, address))

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with running_mosquitto(tmp_path) as broker:
        found(monkeypatch, silent, ("127.0.0.1", broker.port))
        monkeypatch.setattr(line, "REACHED_WITHIN_S", 1.0)
        async with connect(Endpoint("broker.example", 1883), "x"):
            pass
    found(monkeypatch, silent)
    assert await refused(Endpoint("broker.example", 1883)) == "broker.example:1883: it does not answer"


async def test_the_certificate_is_held_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Guarded(tmp_path, "certificates")
    broker.certify("DNS:broker.example")
    await broker.start()
    found(monkeypatch, ("127.0.0.1", broker.port))
    try:
        async with connect(broker.endpoint("viewer", host="broker.example"), "x") as connection:
            assert connection.certificate_until is not None
        said = await refused(broker.endpoint("viewer", host="other.example"))
        assert "its certificate is not made out for 'other.example'" in said
        said = await refused(broker.endpoint("viewer", host="127.0.0.1"))
        assert "its certificate is not made out for '127.0.0.1'" in said
    finally:
        await broker.kill()


async def test_a_name_server_that_is_silent_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", silent)
    monkeypatch.setattr(line, "LOOKED_UP_WITHIN_S", 0.01)
    said = "broker.example:1883: no name server answers for broker.example"
    assert await refused(Endpoint("broker.example", 1883)) == said


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70])
async def test_a_name_that_nobody_knows_is_said_so(name: str) -> None:
    assert await refused(Endpoint(name, 1883)) == f"{name}:1883: the name {name} is not known on this network"
