"""One request and one reply over a link, beside the barest use of the library below it, in one run.

    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.links [--seconds S] [--rounds R]

A request of 16 bytes and a reply of 32, over a pty, a socket, VXI-11 and HiSLIP on the loopback interface; whoever
answers is a process of its own. Link and peer take turns; the best round of each counts, since whatever else the
machine does makes a round slower and never faster. The peers: serialx and asyncio's own streams with a lock and a
time-out; pyvisa's query with the pure Python backend, in an executor of one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pyvisa
import serialx

from benchmarks.answering import REPLY, REQUEST
from benchmarks.speed import child, line_of
from drivers.link import Link
from drivers.replies import Line
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

WITHIN_S = 3.0
BAUD_RATE = 115200  # a pty does not keep to it

Ask = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Compared:
    """Exchanges a second over a link and by a peer, best round of each, and the aim for their ratio."""

    place: str
    peer: str
    aim: float
    link_per_s: float
    peer_per_s: float

    @property
    def ratio(self) -> float:
        return self.link_per_s / self.peer_per_s


@asynccontextmanager
async def answering(place: str) -> AsyncIterator[str]:
    """Where somebody answers."""
    with child("benchmarks.answering", place) as process:
        try:
            yield line_of(process)
        finally:
            process.kill()


# --- paths ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def link(resource: str) -> AsyncIterator[Ask]:
    """Ours."""
    own = Link(open_transport(resource, SerialSettings(baud_rate=BAUD_RATE)), name=resource)
    await own.open()
    try:
        yield lambda: own.exchange(REQUEST, Line(), timeout_s=WITHIN_S)
    finally:
        await own.close()


@asynccontextmanager
async def streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[Ask]:
    """A lock and a time-out round a write and a read of one line."""
    lock = asyncio.Lock()

    async def ask() -> bytes:
        async with lock, asyncio.timeout(WITHIN_S):
            writer.write(REQUEST)
            await writer.drain()
            return await reader.readuntil(b"\n")

    try:
        yield ask
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def by_serialx(device: str) -> AsyncIterator[Ask]:
    """serialx's streams."""
    async with streams(*await serialx.open_serial_connection(url=device, baudrate=BAUD_RATE)) as ask:
        yield ask


@asynccontextmanager
async def by_asyncio(port: str) -> AsyncIterator[Ask]:
    """asyncio's streams."""
    async with streams(*await asyncio.open_connection("127.0.0.1", port)) as ask:
        yield ask


@asynccontextmanager
async def by_pyvisa(resource: str) -> AsyncIterator[Ask]:
    """pyvisa's query in one executor."""
    with ThreadPoolExecutor(1) as executor:
        in_thread = asyncio.get_running_loop().run_in_executor
        session = await in_thread(executor, _visa_session, resource)

        def query() -> bytes:
            session.write_raw(REQUEST)
            raw: bytes = session.read_raw()
            return raw

        try:
            yield lambda: in_thread(executor, query)
        finally:
            await in_thread(executor, session.close)


def _visa_session(resource: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of optional libraries that nobody needs here
        session: Any = pyvisa.ResourceManager("@py").open_resource(resource)
    session.timeout = 1000 * WITHIN_S
    return session


# --- measuring --------------------------------------------------------------------------------------------------------


async def per_s(ask: Ask, seconds: float) -> float:
    """Exchanges a second in one round of so many seconds."""
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for _ in range(20):
            await ask()
        done += 20
    return done / (time.perf_counter() - begun)


Peer = Callable[[str], Any]
COMPARISONS: Sequence[tuple[str, str, str, Peer, str, float]] = (
    # place, form of the link's resource, name of the peer, the peer, form of its resource, aim
    ("pty", "{}", "serialx, lock, time-out", by_serialx, "{}", 0.8),
    ("socket", "tcp:127.0.0.1:{}", "asyncio, lock, time-out", by_asyncio, "{}", 0.8),
    ("pty", "ASRL{}::INSTR", "pyvisa in one executor", by_pyvisa, "ASRL{}::INSTR", 0.9),
    ("vxi11", "{}", "pyvisa in one executor", by_pyvisa, "{}", 0.9),
    ("hislip", "{}", "pyvisa in one executor", by_pyvisa, "{}", 0.9),
)


async def compared(seconds: float, rounds: int, only: str = "") -> list[Compared]:
    """Every comparison, link and peer in turn."""
    found = []
    for place, form, named, peer, peers_form, aim in COMPARISONS:
        if only not in f"{place} {form} {named}":
            continue
        async with (
            answering(place) as ours_at, answering(place) as peers_at,
            link(form.format(ours_at)) as ours, peer(peers_form.format(peers_at)) as theirs,
        ):  # fmt: skip
            assert (await theirs()).strip() == await ours() == REPLY.strip()
            pairs = [(await per_s(ours, seconds), await per_s(theirs, seconds)) for _ in range(rounds)]
        found.append(Compared(form.format(place), named, aim, max(p[0] for p in pairs), max(p[1] for p in pairs)))
    return found


def table(found: Sequence[Compared]) -> None:
    """A line for each comparison."""
    print(f"\n{'link over':24} {'exch./s':>8}  {'peer':26} {'exch./s':>8} {'ratio':>6} {'aim':>5}")
    for each in found:
        print(f"{each.place:24} {each.link_per_s:8.0f}  {each.peer:26} {each.peer_per_s:8.0f} {each.ratio:6.2f}"
              f" {each.aim:5.2f}")  # fmt: skip


def main() -> None:
    """All comparisons, as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.05, help="of one round")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", default="", help="a part of a comparison's name, such as serialx")
    asked = parser.parse_args()
    versions = ", ".join(f"{each} {version(each)}" for each in ("serialx", "pyvisa", "pyvisa-py"))
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores")
    table(asyncio.run(compared(asked.seconds, asked.rounds, asked.only)))


if __name__ == "__main__":
    main()
