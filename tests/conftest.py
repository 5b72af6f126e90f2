"""House rules for every test: helpers beside a test can be imported, no asyncio task may be left over, and a log that
was set up by one test does not write into its closed streams for all that follow.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no program of a test would hear its Ctrl-C


@pytest.fixture(autouse=True)
async def no_task_left_over(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail a test that leaves a task pending when it ends."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [t for t in asyncio.all_tasks() - before if not t.done() and t is not asyncio.current_task()]
    assert not left, f"{request.node.name} left tasks: {[t.get_name() for t in left]}"


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """`acquire` sets up the log of its process; a test that calls it is one of many in its own."""
    before, hook = structlog.get_config(), sys.excepthook
    yield
    structlog.configure(**before)
    sys.excepthook = hook
