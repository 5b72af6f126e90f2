"""The benchmarks run: what they measure is the product as it is, and a change of it must not leave them behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.speed import product
from brokers import running_mosquitto


async def test_the_whole_path_is_measured_from_the_driver_to_the_answer(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        told = await asyncio.to_thread(product, tmp_path, broker.endpoint.port, 2000)
    assert len(told["committed"]) == len(told["confirmed"]) == 2000
    assert all(
        0 < committed < confirmed for committed, confirmed in zip(told["committed"], told["confirmed"], strict=True)
    )
