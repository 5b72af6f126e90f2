"""A store, and the worked cases, which lie with the procedure's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))

from acquire.store.database import connect


@pytest.fixture
def connection(tmp_path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()
