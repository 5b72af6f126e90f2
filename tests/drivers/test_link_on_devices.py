"""Lines that take no bytes and libraries that hang: the link ends within its time, and says so.

No time is asserted; asyncio.timeout only ends what would otherwise wait for ever.
"""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hanging_port import Hangs

from drivers import Line, LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.transport.resource import open_transport
from drivers.transport.serial import SerialSettings

LINE = Line()
MUST_STOP_WITHIN_S = 5
MORE_THAN_A_LINE_HOLDS = b"x" * 200_000 + b"\n"


@pytest.fixture(autouse=True)
def nothing_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.transport.threaded.CLOSED_WITHIN_S", 0.5)
    monkeypatch.setattr("drivers.transport.serial.UNSENT_S", 0.02)


@contextmanager
def a_line_nobody_reads() -> Iterator[str]:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    try:
        yield os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("form", ["{}", "pyserial:{}", "ASRL{}::INSTR"])
async def test_a_line_that_takes_no_bytes_times_out_and_closes_over(form: str) -> None:
    with a_line_nobody_reads() as device:
        link = Link(open_transport(form.format(device), SerialSettings()), name=device)
        await link.open()
        with pytest.raises(ReplyTimeout, match="could not be sent within"):
            await link.exchange(MORE_THAN_A_LINE_HOLDS, LINE, timeout_s=0.05)
        async with asyncio.timeout(MUST_STOP_WITHIN_S):
            await link.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("port-", "closing-"))]


async def test_even_when_closing_hangs_too_the_loop_can_stop() -> None:
    transport = Hangs()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, MUST_STOP_WITHIN_S)
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await transport.close()
    with pytest.raises(LinkDown, match="still held"):
        await transport.open()
    held = [t for t in threading.enumerate() if t.name.startswith(("port-", "closing-"))]
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await asyncio.get_running_loop().shutdown_default_executor()  # what ends asyncio.run
    assert held
    assert all(thread.daemon for thread in held)
    transport.let_go.set()
    for thread in held:
        thread.join(MUST_STOP_WITHIN_S)


async def test_a_request_given_up_before_its_turn_is_not_sent_later() -> None:
    transport = Hangs()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, MUST_STOP_WITHIN_S)
    given_up = asyncio.create_task(transport.write(b"given up"))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    wanted = asyncio.create_task(transport.write(b"wanted"))
    await asyncio.sleep(0)
    transport.let_go.set()
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await wanted
        await transport.close()
    assert transport.written == [b"wanted"]
