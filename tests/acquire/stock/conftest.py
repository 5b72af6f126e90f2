"""A store in a temporary folder, with and without a batch of chips."""

from __future__ import annotations

import pytest
from stocked import Stock

from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


@pytest.fixture
def stock(connection):
    return Stock(connection)
