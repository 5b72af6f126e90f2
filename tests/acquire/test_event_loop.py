"""A name server that is silent holds up whoever waits for it, and neither the end of the program nor its threads."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from acquire.bus.client import connect
from acquire.bus.endpoint import Endpoint
from acquire.config import load
from acquire.config_notices import MailServer
from acquire.doctor.case import Case, Processes
from acquire.doctor.looking import bus as bus_look
from acquire.doctor.looking import certificates as certificates_look
from acquire.doctor.looking import people as people_look
from acquire.event_loop import EventLoop, run
from acquire.mail.sending import Sender
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

HERE = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]
AT_ONCE_S = 30.0  # the name server is silent for ever


class NameServer:
    """Silent until it is let speak; then it answers what was asked meanwhile, and whatever is asked then."""

    def __init__(self) -> None:
        self.speaks = threading.Event()
        self.asked: list[Any] = []
        self.answer: list[Any] | Exception = HERE

    def getaddrinfo(self, *asked: Any, **_: Any) -> list[Any]:
        self.asked.append(asked[0])
        self.speaks.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    before = set(threading.enumerate())
    yield server
    server.speaks.set()
    for each in set(threading.enumerate()) - before:
        each.join()


def ended(main: Callable[[], Awaitable[None]]) -> bool:
    """Whether a program comes to its end."""
    program = threading.Thread(target=lambda: run(main()), daemon=True)
    program.start()
    program.join(AT_ONCE_S)
    return not program.is_alive()


async def connected() -> None:
    async with connect(Endpoint("broker.test", 1883), "x"):
        pass


async def mailed() -> None:
    server = MailServer(host="mail.test", port=25, security="none", sender="a@clinic.test")
    await Sender(server, Path()).knock()


async def opened(resource: str) -> None:
    transport = open_transport(resource, SerialSettings())
    try:
        await transport.open()
    finally:
        await transport.close()


USERS: dict[str, Callable[[], Awaitable[None]]] = {
    "broker": connected,
    "mail server": mailed,
    "tcp": lambda: opened("tcp:instrument.test:1"),
    "hislip": lambda: opened("TCPIP::instrument.test::hislip0::INSTR"),
    "vxi11": lambda: opened("TCPIP::instrument.test::inst0::INSTR"),
    "pyvisa": lambda: opened("pyvisa:TCPIP::instrument.test::inst0::INSTR"),
    "pyserial": lambda: opened("pyserial:socket://instrument.test:1"),
}


@pytest.mark.parametrize("who", USERS)
def test_a_program_ends_while_a_name_is_looked_up(names: NameServer, who: str) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(USERS[who]())
        await until(lambda: names.asked, 20, "the look-up")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert ended(main)


def test_files_are_written_while_more_names_are_looked_up_than_there_are_threads(names: NameServer) -> None:
    """asyncio has one pool of threads for both."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        waiting = [asyncio.create_task(loop.getaddrinfo(f"n{n}.test", 1)) for n in range(100)]
        await until(lambda: len(names.asked) == 100, 20, "all look-ups")
        await asyncio.to_thread(lambda: None)
        for each in waiting:
            each.cancel()

    assert ended(main)


def test_trying_again_and_again_asks_once_until_there_is_an_answer(names: NameServer) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(50):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await loop.getaddrinfo("broker.test", 1)
        await until(lambda: names.asked)
        assert names.asked == ["broker.test"]
        waiting = [asyncio.create_task(loop.getaddrinfo("broker.test", 1)) for _ in range(3)]
        await asyncio.sleep(0)
        names.speaks.set()
        assert await asyncio.gather(*waiting) == [HERE] * 3
        assert names.asked == ["broker.test"]
        await loop.getaddrinfo("broker.test", 1)
        assert names.asked == ["broker.test"] * 2

    run(main())


def test_who_asks_otherwise_gets_another_answer(names: NameServer) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        names.speaks.set()
        await asyncio.gather(
            loop.getaddrinfo("a.test", 1), loop.getaddrinfo("a.test", 2), loop.getaddrinfo("b.test", 1)
        )
        assert sorted(names.asked) == ["a.test", "a.test", "b.test"]

    run(main())


def test_a_name_that_is_not_known_is_an_error_for_each_who_asked(names: NameServer) -> None:
    said: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: said.append(told["message"]))
        names.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        waiting = [asyncio.create_task(loop.getaddrinfo("broker.test", 1)) for _ in range(3)]
        given_up = asyncio.create_task(loop.getaddrinfo("broker.test", 1))
        await asyncio.sleep(0)
        given_up.cancel()
        names.speaks.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in found] == [socket.gaierror] * 3

    run(main())
    assert said == []


def test_an_address_is_no_name_to_be_looked_up(names: NameServer) -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
        server.close()

    assert ended(main)
    assert names.asked == []


def test_a_system_without_a_thread_to_spare_is_asked_again(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with monkeypatch.context() as none_left:
            none_left.setattr(threading.Thread, "start", no_thread)
            with pytest.raises(OSError, match="can't start new thread"):
                await loop.getaddrinfo("broker.test", 1)
        names.speaks.set()
        assert await loop.getaddrinfo("broker.test", 1) == HERE

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    run(main())


def test_an_answer_that_comes_after_the_end_is_of_no_use_and_no_harm(names: NameServer) -> None:
    loop = EventLoop()
    waiting = loop.create_task(loop.getaddrinfo("broker.test", 1))
    loop.call_later(0.01, waiting.cancel)
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(waiting)
    loop.close()
    names.speaks.set()  # a thread that fails now is a warning, and so an error of this test


DOCTORED = """
site = "clinic"
[broker]
mode = "external"
host = "broker.test"
tls = {}
[store]
url = "sqlite:///store.db"
[notices.mail]
host = "mail.test"
port = 25
security = "starttls"
sender = "a@clinic.test"
[[notices.recipient]]
name = "MP-1"
role = "physicist"
address = "mp-1@clinic.test"
[[notices.recipient]]
name = "RO-1"
role = "physician"
address = "ro-1@clinic.test"
"""


def test_the_doctor_tells_of_servers_whose_names_nobody_answers_for(
    names: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_look, "CONNECTED_WITHIN_S", 0.05)
    monkeypatch.setattr(people_look, "MAIL_WITHIN_S", 0.05)
    monkeypatch.setattr(certificates_look, "SHOWN_WITHIN_S", 0.05)
    (tmp_path / "service.toml").write_text(DOCTORED)
    case = Case(load(tmp_path / "service.toml"), seen=Processes(is_running=True))
    found: list[Any] = []

    def look() -> None:
        found.append(bus_look.look_at_bus(case, "")[0].why)
        found.append(people_look.look_at_mail(case, "").why)
        found.append(certificates_look.look_at_certificate(case, certificates_look.OF_BROKER).ends)

    doctor = threading.Thread(target=look, daemon=True)
    doctor.start()
    doctor.join(AT_ONCE_S)
    assert found == [
        "broker.test:1883: no answer within 0.05 s, of it or of a name server",
        "the mail server gave no answer within 0.05 s",
        None,
    ]
