"""Worked case A's client, which lies with the procedure's tests, on a store in a temporary folder."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))

from scenario_a import StoreClient

from acquire.fits.running import FitProcess
from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


@pytest.fixture
def client(connection: sqlite3.Connection) -> StoreClient:
    return StoreClient(connection)


@pytest.fixture
async def closed() -> AsyncIterator[Callable[[FitProcess], FitProcess]]:
    """Closes the processes that a test has begun, however it ends."""
    begun: list[FitProcess] = []

    def noted(process: FitProcess) -> FitProcess:
        begun.append(process)
        return process

    yield noted
    for process in begun:
        await process.close()
