"""The benchmarks run: what they measure is the product as it is, and a change of it must not leave them behind."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.speed import floor, product
from brokers import running_mosquitto


async def test_the_whole_path_is_measured_from_the_driver_to_the_answer(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        told = await asyncio.to_thread(product, tmp_path, broker.endpoint.port, 2000)
    assert len(told["committed"]) == len(told["confirmed"]) == 2000
    assert all(
        0 < committed < confirmed for committed, confirmed in zip(told["committed"], told["confirmed"], strict=True)
    )


@pytest.mark.parametrize("module", ["benchmarks.floor", "benchmarks.same_bytes"])
async def test_the_yardsticks_bring_every_reading_to_its_row(tmp_path: Path, module: str) -> None:
    async with running_mosquitto(tmp_path) as broker:
        assert await asyncio.to_thread(floor, tmp_path, broker.endpoint.port, 2000, module) > 0
    (file,) = tmp_path.glob("*-store.db")
    with closing(sqlite3.connect(file)) as db:
        table = "entry" if module == "benchmarks.floor" else "entries"
        assert db.execute(f"SELECT count(*), max(seq) FROM {table}").fetchone() == (2000, 2000)
