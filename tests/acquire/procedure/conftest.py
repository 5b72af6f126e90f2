"""A store in a temporary folder, and scenario A's client on it."""

from __future__ import annotations

import pytest
from scenario_a import StoreClient

from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


@pytest.fixture
def client(connection):
    return StoreClient(connection)
