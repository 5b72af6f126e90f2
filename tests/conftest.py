"""House rules for every test: helpers beside a test can be imported, no asyncio task may be left over, and a log that
was set up by one test does not write into its closed streams for all that follow. The longest begin first. A test that
is marked `virtual_time` or `scaled_time` gives times that no busy machine takes from.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from inspect import isasyncgenfunction, iscoroutinefunction
from itertools import chain, islice
from pathlib import Path

import first_compiles  # before what else is to be compiled
import new_stores
import pytest
import structlog
from hypothesis import HealthCheck, settings
from pytest_asyncio import is_async_test
from scaled_loop import ScaledLoop
from virtual_time import VirtualTimeLoop

gc.disable()  # until all is collected: what is made while thousands of tests are found stays until the end

# A busy machine is no failure. What hypothesis sets where CI is said stays.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

new_stores.begin_as_copies()  # before a test imports what makes one

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no program of a test would hear its Ctrl-C


def pytest_itemcollected(item: pytest.Item) -> None:
    """An event loop is made for those that use one: making it takes longer than most of the others."""
    made_of = [each for all_of_name in item._fixtureinfo.name2fixturedefs.values() for each in all_of_name]
    if is_async_test(item) or any(isasyncgenfunction(each.func) or iscoroutinefunction(each.func) for each in made_of):
        item.fixturenames.insert(0, "no_task_left_over")


def pytest_addoption(parser: pytest.Parser) -> None:
    """For a second Python beside the first: what a test function says of hundreds of cases it says of two there."""
    parser.addoption("--first-and-last", action="store_true", help="of each test function its first and its last case")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is slow stands first in the share that each process begins with, so that nothing long begins last; a file of
    it is in one share, which makes once what all of its tests look at."""
    if config.getoption("--first-and-last"):
        kept = _first_and_last(items)
        config.hook.pytest_deselected(items=list(set(items) - set(kept)))
        items[:] = kept
    shares = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow: dict[Path, list[pytest.Item]] = {}
    quick: list[pytest.Item] = []
    for each in items:
        (slow.setdefault(each.path, []) if each.get_closest_marker("slow") else quick).append(each)
    firsts = [list(chain.from_iterable([*slow.values()][n::shares])) for n in range(shares)]
    size, rest = -(-len(items) // shares), iter(quick)
    items[:] = [each for first in firsts for each in (*first, *islice(rest, max(0, size - len(first))))]


def _first_and_last(items: list[pytest.Item]) -> list[pytest.Item]:
    """Of each test function its first and its last case, in the order of all."""
    ends: dict[str, list[int]] = {}
    for n, each in enumerate(items):
        ends.setdefault(each.nodeid.partition("[")[0], [n, n])[1] = n
    return [items[n] for n in sorted({n for both in ends.values() for n in both})]


def pytest_collection_finish() -> None:
    """From here on what a test leaves behind is looked for."""
    first_compiles.collected()
    gc.enable()


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The one loop that a test runs on: whose time is its own where the test is marked so."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual-time": VirtualTimeLoop}
    if item.get_closest_marker("scaled_time"):
        return {"scaled-time": ScaledLoop}
    return {"real-time": asyncio.new_event_loop}


@pytest.fixture
async def no_task_left_over(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail a test that leaves a task pending when it ends."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [t for t in asyncio.all_tasks() - before if not t.done() and t is not asyncio.current_task()]
    assert not left, f"{request.node.name} left tasks: {[t.get_name() for t in left]}"


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """`acquire` sets up log and Ctrl-C of its process; a test that calls it is one of many in its own."""
    before, hook, interrupt = structlog.get_config(), sys.excepthook, signal.getsignal(signal.SIGINT)
    yield
    structlog.configure(**before)
    sys.excepthook = hook
    if signal.getsignal(signal.SIGINT) is not interrupt:
        signal.signal(signal.SIGINT, interrupt)
