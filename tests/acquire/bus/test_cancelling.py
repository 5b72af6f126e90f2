"""A task that publishes without end stops when it is told to, at whatever moment that comes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from pathlib import Path

import pytest
from brokers import running_mosquitto
from waiting import until

from acquire.bus.client import MOST_HANDED, BusError, Connection, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.library import LibraryClient
from acquire.bus.names import Topics
from acquire.spool.publisher import Publisher
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool


async def test_a_cancellation_that_meets_the_brokers_answer_is_not_forgotten(tmp_path: Path) -> None:
    async def publish(connection: Connection) -> None:
        while True:
            await connection.publish("t", b"x")

    async with running_mosquitto(tmp_path) as broker, connect(broker.endpoint, "publisher") as connection:
        for n in range(150):
            task = asyncio.create_task(publish(connection))
            for _ in range(20 + n):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            stopped = bool(done)
            if not done:  # end it all the same, so that the test fails alone
                task.cancel()
                await asyncio.wait([task], timeout=5)
            assert stopped, f"attempt {n} was not stopped"
            assert task.cancelled()


async def test_a_connection_given_up_while_it_is_made_leaves_nothing_behind(tmp_path: Path) -> None:
    async def hold(endpoint: Endpoint) -> None:
        async with connect(endpoint, "given-up"):
            await asyncio.sleep(60)

    async with running_mosquitto(tmp_path) as broker:
        before, open_before = asyncio.all_tasks(), len(list(Path("/proc/self/fd").iterdir()))
        for n in range(60):
            task = asyncio.create_task(hold(broker.endpoint))
            await asyncio.sleep(n / 10_000)  # a connection takes some 3 ms here
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            assert done, f"attempt {n} was not stopped"
            assert task.cancelled()
        await asyncio.sleep(0.1)
        gc.collect()
        assert asyncio.all_tasks() == before
        assert len(list(Path("/proc/self/fd").iterdir())) <= open_before


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "after the loss"])
async def test_a_connection_lost_while_nobody_listens_is_known_and_says_nothing_in_the_end(
    is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the loss, nor a refusal that met a cancellation, is an error that somebody forgot to look at. Whoever
    connects may have the next turn only when the connection is lost again, on a busy machine.
    """
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: said.append(told["message"]))
    lost = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK of MQTT 5: accepted
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        lost.set()

    wait_for = LibraryClient._wait_for

    async def answered(client: LibraryClient, answer: Awaitable[None], timeout: float | None) -> None:
        await wait_for(client, answer, timeout)
        await until(lambda: client._client.socket() is None, what="the loss")

    if is_late:
        monkeypatch.setattr(LibraryClient, "_wait_for", answered)
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        async with connect(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]), "left-alone") as connection:
            await lost.wait()
            await until(connection._client._disconnected.done, 5, "the loss is known")
            with pytest.raises(BusError):
                await anext(connection.messages())
        del connection
        gc.collect()
    loop.set_exception_handler(None)
    assert said == []


async def test_a_publisher_that_is_woken_and_stopped_at_once_stops(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        spool = await Spool.open(tmp_path / "spool.db")
        for ticks in range(6):
            publisher = await Publisher.over(spool, Topics("site"))
            task = asyncio.create_task(publisher.run(broker.endpoint))
            await until(lambda p=publisher: p.connected, 5, "the publisher is connected")
            recorder = Recorder(spool, publisher)
            stream = await recorder.open_stream("instrument-1")
            await recorder.end_stream(stream, "closed")  # wakes it
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=5)
            assert done, f"not stopped, {ticks} turns of the loop after it was woken"
            assert task.cancelled()
            assert not publisher.connected
        await spool.close()


async def test_two_tasks_that_wait_for_the_broker_at_once_both_go_on() -> None:
    """A broker may never acknowledge what it dropped. One task once waited for ever there, and with it the store."""
    client = LibraryClient("localhost")
    async with asyncio.timeout(5):
        await asyncio.gather(*(client.room(0.01 * n) for n in range(1, 5)))


async def test_what_the_broker_takes_makes_room_for_every_task_that_waits(tmp_path: Path) -> None:
    taken: list[BaseException | None] = []

    async def hand_over(connection: Connection) -> None:
        for _ in range(200):
            await connection.hand_over("t", b"x", taken.append)

    async with (
        running_mosquitto(tmp_path) as broker,
        connect(broker.endpoint, "publisher") as connection,
        asyncio.timeout(20),
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(4):
            tasks.create_task(hand_over(connection))
    assert taken.count(None) >= 800 - MOST_HANDED * 4


async def test_the_answer_to_a_subscription_that_was_given_up_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_mosquitto(tmp_path) as broker, connect(broker.endpoint, "x") as connection:
        asked = asyncio.create_task(connection.subscribe("a"))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert asked.cancelled()
        await connection.subscribe("b")  # behind whose answer that of the first one came
    assert caplog.records == []
