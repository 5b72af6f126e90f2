"""The bus's tests use scenario A's bench, which lies with the procedure's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedure"))


@pytest.fixture
def connection(tmp_path):
    from acquire.store.database import connect  # noqa: PLC0415 - after the path is set

    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()
