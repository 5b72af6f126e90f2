"""What is told under a topic of states, and the waiting for one of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from brokers import Mosquitto
from waiting import until

from acquire.bus.client import connect


@asynccontextmanager
async def states_of(broker: Mosquitto, topic: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What is told under a state's topic."""
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        async with connect(broker.endpoint, f"onlooker-{uuid4().hex[:8]}") as connection:
            await connection.subscribe(topic)
            async for message in connection.messages():
                told.append(json.loads(message.payload))

    task = asyncio.create_task(listen(), name="onlooker")
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(states: list[dict[str, Any]], state: str, why: str = "") -> None:
    """Wait until the last one is this, with these words in its sentence."""
    await until(
        lambda: states and states[-1]["state"] == state and why in states[-1].get("why", ""), 60, f"{state} {why}"
    )
