"""The listener for orders, with somebody else's client on the other end; a partner harms nobody but himself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import hl7
import pytest
from certificates import Authority
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection
from messages_v2 import message, msh, order
from waiting import until

from acquire import order_listener
from acquire.config import load
from acquire.errors import FileProblem, Refused
from acquire.order_listener import OrderListener
from acquire.orders.hl7_message import LARGEST
from acquire.patients import PatientsFile, beside, make_key, read_key
from acquire.store.database import connect

BASE = 'site = "clinic"\n[broker]\nmode = "embedded"\n[store]\nurl = "sqlite:///store.db"\n[orders]\n'


class Store:
    """The store as the listener uses it: one thing at a time, and what it should fail with."""

    def __init__(self, folder: Path) -> None:
        self.connection = connect(folder / "store.db", create=True)
        self.fails: Exception | None = None

    async def use(self, work: Any) -> Any:
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return work(self.connection)

    def orders(self) -> list[str]:
        return [row["id"] for row in self.connection.execute("SELECT id FROM orders ORDER BY id")]


@asynccontextmanager
async def listening(folder: Path, orders: str = "") -> AsyncIterator[tuple[OrderListener, Store]]:
    file = folder / "service.toml"
    file.write_text(BASE + ('listen = "127.0.0.1:0"\n' if "listen =" not in orders else "") + orders)
    store = Store(folder)
    listener = OrderListener(load(file), store.use)
    with closing(store.connection):
        async with listener.listening():
            yield listener, store


async def raw(listener: OrderListener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port)


async def code_of(reader: asyncio.StreamReader) -> tuple[str, str]:
    """(code, control id) of the next answer."""
    async with asyncio.timeout(10):
        found = hl7.parse((await reader.readuntil(b"\x1c\r"))[1:-2].decode())
    return str(found.segment("MSA")[1]), str(found.segment("MSA")[2])


async def test_somebody_elses_client_gets_an_answer_once_the_store_has_it(tmp_path: Path) -> None:
    async with listening(tmp_path) as (listener, store):
        reader, writer = await open_hl7_connection("127.0.0.1", listener.port)
        for n in (1, 2):
            writer.writemessage(hl7.parse(order(number=f"O-{n}", control_id=f"M-{n}").decode()))
            ack = await reader.readmessage()
            assert [str(ack.segment("MSA")[i]) for i in (1, 2)] == ["AA", f"M-{n}"]
            assert store.orders() == ["O-1", "O-2"][:n]
        writer.close()

        def blocking() -> bytes:
            with MLLPClient("127.0.0.1", listener.port) as client:
                return bytes(client.send_message(order(number="O-1", control_id="M-1")))

        assert b"MSA|AA|M-1|" in await asyncio.to_thread(blocking)
        assert listener.counts["AA"] == 3


async def test_fragments_several_messages_in_one_packet_and_garbage(tmp_path: Path) -> None:
    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        stream = b"GET / HTTP/1.1\r\n"
        for n in (1, 2, 3):
            stream += b"\x0b" + order(number=f"O-{n}", control_id=f"M-{n}") + b"\x1c\r"
        for begin in range(0, len(stream) - 500, 97):
            writer.write(stream[begin : begin + 97])
            await writer.drain()
        writer.write(stream[begin + 97 :])
        assert [await code_of(reader) for _ in range(3)] == [("AA", "M-1"), ("AA", "M-2"), ("AA", "M-3")]
        writer.close()
        await until(lambda: listener.counts["bytes between messages"] == 14)
        (row,) = store.connection.execute("SELECT * FROM alarm WHERE subject = 'bytes between messages'").fetchall()
        assert row["message"] == "14 bytes belonged to no message."
        assert store.orders() == ["O-1", "O-2", "O-3"]


@pytest.mark.scaled_time
async def test_a_slow_a_dead_and_a_hostile_partner_hold_nobody_up(tmp_path: Path) -> None:
    async with listening(tmp_path) as (listener, store):
        slow, dead, hostile, good = [await raw(listener) for _ in range(4)]
        slow[1].write(b"\x0b" + order()[:50])
        dead[1].write(b"\x0b" + order(number="O-D", control_id="M-D") + b"\x1c\r")  # and never reads the answer
        hostile[1].write(b"\x0bMSH|^~\\&|X|Y|||||OMG^O19|M-H|P|2.5.1\r" + b"x" * (LARGEST + 10))
        good[1].write(b"\x0b" + order(number="O-G", control_id="M-G") + b"\x1c\r")
        assert await code_of(good[0]) == ("AA", "M-G")
        assert await code_of(hostile[0]) == ("AR", "M-H")
        assert await hostile[0].read() == b""
        assert await slow[0].read() == b""
        await until(lambda: "O-D" in store.orders())
        assert listener.counts["unfinished messages"] == 1
        assert listener.counts["messages too large"] == 1
        for _, writer in (slow, dead, hostile, good):
            writer.close()


async def test_a_store_that_cannot_keep_it_says_so_and_the_repeat_is_taken(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        store.fails = sqlite3.OperationalError("database or disk is full")
        writer.write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(reader) == ("AR", "M-1")
        store.fails = None
        writer.write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(reader) == ("AA", "M-1")
        writer.close()


async def test_refusals_are_counted_and_shown_without_identity(tmp_path: Path) -> None:
    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        for n in range(3):
            writer.write(b"\x0b" + order(control_id=f"M-{n}").replace(b"^MD", b"^RN") + b"\x1c\r")
            assert await code_of(reader) == ("AE", f"M-{n}")
        writer.close()
        (row,) = store.connection.execute("SELECT * FROM alarm").fetchall()
        assert (row["what"], row["subject"], row["count"]) == ("order message refused", "MOSAIQ@RADONC", 3)
        assert "ANNA" not in row["message"]


@pytest.mark.parametrize(
    ("place", "typed"),
    [
        (b"ORD-V2-1^MOSAIQ|||||||", b"Example, Anna^MOSAIQ|||||||"),
        (b"ORD-V2-1^MOSAIQ|||||||", b"MRN EXAMPLE 1^M|||||||"),
        (b"^^^^MD", b"^^^^EXAMPLE 19600101"), (b"|77331^", b"|ANNA EXAMPLE^"),
        (b"Necessity: a hip prosthesis beside two of the beams", b"Necessity: Example"),
    ],
)  # fmt: skip
async def test_what_stands_in_the_wrong_field_is_answered_and_not_kept(
    tmp_path: Path, place: bytes, typed: bytes
) -> None:
    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        assert place in order()
        writer.write(b"\x0b" + order().replace(place, typed, 1) + b"\x1c\r")
        assert b"MSA|AE|" in await reader.readuntil(b"\x1c\r")
        writer.close()
        await until(lambda: listener.counts["AE"] == 1)
        (kept,) = store.connection.execute("SELECT message FROM alarm").fetchone()
        assert "***" in kept
        assert not any(each in kept.casefold() for each in ("anna", "example", "mrn", "19600101"))


async def test_connections_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(order_listener, "MOST_CONNECTIONS", 2)
    async with listening(tmp_path) as (listener, _):
        first, second = await raw(listener), await raw(listener)
        await until(lambda: len(listener._open) == 2)
        second[1].write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(second[0]) == ("AA", "M-1")
        third = await raw(listener)
        assert await first[0].read() == b"", "who was silent longest makes room"
        for n, (reader, writer) in enumerate((second, third), start=2):
            writer.write(b"\x0b" + order(number=f"O-{n}", control_id=f"M-{n}") + b"\x1c\r")
            assert await code_of(reader) == ("AA", f"M-{n}")
        for _, writer in (first, second, third):
            writer.close()


async def test_over_tls_only_named_senders_with_their_own_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.issue("listener", into=tmp_path, hosts="IP:127.0.0.1")
    authority.issue("mosaiq", into=tmp_path)
    authority.issue("other", into=tmp_path)
    asked = (
        'tls = { cert_file = "listener.crt", key_file = "listener.key", ca_file = "authority/ca.crt" }\n'
        '[[orders.sender]]\napplication = "MOSAIQ"\nfacility = "RADONC"\ncertificate = "mosaiq"\n'
    )

    def context(name: str | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.certificate))
        if name is not None:
            made.load_cert_chain(tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
        return made

    async with listening(tmp_path, asked) as (listener, store):
        for name, code in (("mosaiq", "AA"), ("other", "AR")):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=context(name))
            writer.write(b"\x0b" + order() + b"\x1c\r")
            assert await code_of(reader) == (code, "M-1")
            writer.write(b"\x0b" + message(msh(f3="ELSE", control_id="M-2")) + b"\x1c\r")
            assert await code_of(reader) == ("AR", "M-2")
            writer.close()
        with pytest.raises((ssl.SSLError, OSError, asyncio.IncompleteReadError)):
            await asked_without_certificate(listener, context(None))
        assert store.orders() == ["ORD-V2-1"]


@pytest.mark.parametrize(
    ("orders", "word"),
    [
        ('listen = "0.0.0.0:2575"', "over TLS and from named senders only"),
        ('listen = "2575"', "it is HOST:PORT"),
        ('time_zone = "Mars/Olympus"', "is no time zone"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_said_before_it_listens(tmp_path: Path, orders: str, word: str) -> None:
    (tmp_path / "service.toml").write_text(BASE + orders + "\n")
    with pytest.raises(FileProblem, match=word):
        load(tmp_path / "service.toml")


async def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="Orders cannot be listened for"):
            async with listening(tmp_path, f'listen = "127.0.0.1:{taken.getsockname()[1]}"\n'):
                pass


async def asked_without_certificate(listener: OrderListener, context: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=context)
    try:
        writer.write(b"\x0b" + order() + b"\x1c\r")
        await code_of(reader)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_lost_key_or_an_error_of_ours_leaves_no_partner_without_an_answer(tmp_path: Path) -> None:
    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        store.fails = ValueError("not to be told")
        writer.write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(reader) == ("AR", "M-1")
        store.fails = None
        make_key(tmp_path / "k")
        with PatientsFile(beside(tmp_path / "store.db")) as patients:
            patients.change_key(read_key(tmp_path / "k"))
        writer.write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(reader) == ("AR", "M-1")
        assert listener.counts["not kept"] == 2
        writer.close()


async def test_a_service_whose_key_is_lost_starts_all_the_same(tmp_path: Path) -> None:
    make_key(tmp_path / "k")
    PatientsFile(beside(tmp_path / "store.db"), read_key(tmp_path / "k")).close()
    async with listening(tmp_path) as (listener, store):
        reader, writer = await raw(listener)
        writer.write(b"\x0b" + order() + b"\x1c\r")
        assert await code_of(reader) == ("AR", "M-1")
        writer.close()
        (row,) = store.connection.execute("SELECT * FROM alarm WHERE what = 'order listener'").fetchall()
        assert row["subject"] == "identities cannot be kept"
