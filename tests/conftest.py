"""House rules for every test: helpers beside a test can be imported, and no asyncio task may be left over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def no_task_left_over(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail a test that leaves a task pending when it ends."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [t for t in asyncio.all_tasks() - before if not t.done() and t is not asyncio.current_task()]
    assert not left, f"{request.node.name} left tasks: {[t.get_name() for t in left]}"
