"""A source, a network and a store, whole, for each test that wants them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from network import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "spool.db")
    yield world
    world.journal.close()
    world.store.close()
