"""A task that publishes without end stops when it is told to, at whatever moment that comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from brokers import running_mosquitto

from acquire.bus.client import Connection, connect


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
