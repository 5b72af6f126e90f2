"""The record's tests use scenario A's client, which lies with the procedure's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))

import kept_store
from scenario_a import StoreClient, closed

from acquire.procedure.results.result import calculate_session
from acquire.record import build
from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


@pytest.fixture
async def record(connection):
    async def once():
        session = await closed(connection, StoreClient(connection))
        calculate_session(connection, session, "MP-1")
        return session

    return build(connection, await kept_store.begun(connection, "of a record", once))
