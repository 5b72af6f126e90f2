"""What is to be sent is written at once; what a broker does not take at once is not lost, and holds nobody up."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from brokers import running_mosquitto
from waiting import until

from acquire.bus.client import MOST_HANDED, BusError, connect

MIB = 1024 * 1024


async def test_a_writer_waits_only_for_what_was_not_taken_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer for each packet was a twentieth of all work with two hundred instruments."""
    loop = asyncio.get_running_loop()
    writers: list[object] = []
    add_writer = loop.add_writer
    async with running_mosquitto(tmp_path) as broker, connect(broker.endpoint, "publisher") as connection:
        monkeypatch.setattr(loop, "add_writer", lambda *given: (writers.append(given), add_writer(*given)))
        taken: list[BaseException | None] = []
        for _ in range(50):
            await connection.hand_over("t", b"x" * 300, taken.append)
        await until(lambda: len(taken) == 50)
        assert (taken, writers) == ([None] * 50, [])
        broker.send(signal.SIGSTOP)
        for _ in range(MOST_HANDED - 1):
            await connection.hand_over("t", b"x" * 4 * MIB, taken.append)
        assert len(writers) == 1
        broker.send(signal.SIGCONT)
        await until(lambda: len(taken) == 50 + MOST_HANDED - 1)
        assert set(taken) == {None}
        sock = connection._client._client.socket()
        assert sock is not None
        assert not loop.remove_writer(sock.fileno()), "the writer is there although nothing waits for it"
        await connection.hand_over("t", b"afterwards", taken.append)
        await until(lambda: len(taken) == 50 + MOST_HANDED)
        assert len(writers) == 1


async def test_a_broker_that_goes_while_something_waits_to_be_written_is_noticed(tmp_path: Path) -> None:
    taken: list[BaseException | None] = []
    lost = False
    async with running_mosquitto(tmp_path) as broker:
        try:
            async with connect(broker.endpoint, "publisher") as connection:
                broker.send(signal.SIGSTOP)
                for _ in range(MOST_HANDED - 1):
                    await connection.hand_over("t", b"x" * 4 * MIB, taken.append)
                await broker.kill()
                await anext(connection.messages())
        except BusError:
            lost = True
    assert lost
    assert len(taken) == MOST_HANDED - 1
    assert all(isinstance(each, BusError) for each in taken)
