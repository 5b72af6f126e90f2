"""A store in a temporary folder."""

from __future__ import annotations

import pytest

from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()
