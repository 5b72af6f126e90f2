"""Every curve that arrives is fitted once by each analysis, and none is lost to a restart, a crash or a full disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from arrived import COUNTS, READER, InProcess, glow, osl, using
from scenario_a import StoreClient, prepared
from waiting import until

from acquire.fits import ANALYSIS, Fitter, fits_of, kept, search
from acquire.procedure.results.verify import verify_store
from acquire.store.database import connect

T = TypeVar("T")


@asynccontextmanager
async def fitting(use: Any, process: Any = None) -> AsyncIterator[InProcess]:
    process = process or InProcess()
    task = asyncio.create_task(Fitter(use, process, look_every_s=0.01).run())
    try:
        yield process
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rows(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    found = connection.execute("SELECT seq, analysis, preset, dosimeter FROM curve_fit ORDER BY seq, analysis, preset")
    return [tuple(row) for row in found]


def kept_of(connection: sqlite3.Connection, client: StoreClient, seq: int) -> dict[str, Any]:
    (fit,) = (
        fit for (curve,) in connection.execute("SELECT curve FROM curve_fit WHERE seq = ?", (seq,))
        for fit in fits_of(connection, client.of(READER).stream, seq, curve)
    )  # fmt: skip
    return fit.result


async def test_a_glow_curve_is_fitted_as_its_material_and_a_decay_as_it_is(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.put(READER, [glow(), osl()])
    async with fitting(using(connection)):
        await until(lambda: len(rows(connection)) == 2)
    assert rows(connection) == [(1, ANALYSIS, "TLD-100", "X-1"), (2, ANALYSIS, "", None)]
    peaks = {peak["name"]: peak["t_m_k"] for peak in kept_of(connection, client, 1)["peaks"]}
    assert peaks["5"] == pytest.approx(509.4, abs=0.5)
    assert [each["name"] for each in kept_of(connection, client, 2)["components"]] == ["fast", "medium"]
    assert verify_store(connection) == []


async def test_what_is_no_readout_of_a_known_material_is_not_fitted(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.put(READER, [
        glow(element="nobody's"), glow(role="pmt-noise"), glow(flags=["incomplete"]), osl(mode="RBR"),
        osl(role="reference-light"), {**glow(), "element": None}, glow(),
    ])  # fmt: skip
    async with fitting(using(connection)) as process:
        await until(lambda: rows(connection))
    assert [row[0] for row in rows(connection)] == [7]
    assert process.asked == [("TLD-100", "X-1")]


async def test_a_curve_that_came_before_anybody_knew_its_material(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    client.put(READER, [osl(), glow()])
    async with fitting(using(connection)):
        await until(lambda: rows(connection))
        assert [row[0] for row in rows(connection)] == [1]
        prepared(connection)
        await until(lambda: len(rows(connection)) == 2)
    assert rows(connection)[1] == (2, ANALYSIS, "TLD-100", "X-1")


async def test_a_store_without_glow_curves_begins_no_process(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.chips("tray.asc", {"201": 641_200})
    async with fitting(using(connection)) as process:
        await asyncio.sleep(0.1)
        assert (process.read, process.asked) == ([], [])
        client.put(READER, [glow()])
        await until(lambda: rows(connection))
    assert (len(process.read), len(process.asked)) == (1, 1)


async def test_a_restart_fits_what_is_left_and_nothing_twice(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.put(READER, [glow()] * 3)
    async with fitting(using(connection)):
        await until(lambda: len(rows(connection)) == 3)
    before = connection.execute("SELECT count(*), max(at) FROM curve_fit").fetchone()[:]
    client.put(READER, [glow(COUNTS + 1)])
    async with fitting(using(connection)) as process:
        await until(lambda: len(rows(connection)) == 4)
    assert process.asked == [("TLD-100", "X-1")]
    assert connection.execute("SELECT count(*), max(at) FROM curve_fit WHERE seq < 4").fetchone()[:] == before


async def test_a_later_analysis_adds_its_fit(
    connection: sqlite3.Connection, client: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the later one by the audit trail, although the clock was set back meanwhile and its name sorts before."""
    prepared(connection)
    client.put(READER, [glow()])
    async with fitting(using(connection)):
        await until(lambda: rows(connection))
    for module in (kept, search):
        monkeypatch.setattr(module, "ANALYSIS", "a later one")
    monkeypatch.setattr(kept, "utc_now", lambda: "2001-01-01T00:00:00.000000Z")
    async with fitting(using(connection)):
        await until(lambda: len(rows(connection)) == 2)
    assert [row[1] for row in rows(connection)] == ["a later one", ANALYSIS]
    (curve,) = {row[0] for row in connection.execute("SELECT curve FROM curve_fit")}
    found = fits_of(connection, client.of(READER).stream, 1, curve)
    assert [fit.analysis for fit in found] == [ANALYSIS, "a later one"]
    assert verify_store(connection) == []


async def test_a_process_that_ended_is_tried_once_more_and_then_it_is_said(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.put(READER, [glow()])
    async with fitting(using(connection), InProcess("It ended.")) as process:
        await until(lambda: rows(connection))
    assert (len(process.asked), kept_of(connection, client, 1)["refused"]) == (2, None)
    client.put(READER, [glow(COUNTS + 1), glow(COUNTS + 2)])
    async with fitting(using(connection), InProcess("It ended.", "It ended.", "It ended.", "It ended.")):
        await until(lambda: len(rows(connection)) == 3)
    assert {kept_of(connection, client, seq)["refused"] for seq in (2, 3)} == {"It ended."}


async def test_a_store_that_cannot_be_used_loses_no_fit(connection: sqlite3.Connection, client: StoreClient) -> None:
    prepared(connection)
    client.put(READER, [glow()])
    fails = 3

    async def use(work: Callable[[sqlite3.Connection], T]) -> T:
        nonlocal fails
        if fails and work.__name__ == "<lambda>":  # when a fit is to be kept
            fails -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return work(connection)

    async with fitting(use) as process:
        await until(lambda: rows(connection))
    assert (fails, len(process.asked)) == (0, 4)


async def test_a_store_that_was_put_in_its_place_is_walked_from_its_beginning(
    connection: sqlite3.Connection, client: StoreClient, tmp_path: Path
) -> None:
    """Its numbers are lower than where the walk through the other one had come, and its elements are its own."""
    prepared(connection)
    for n in range(5):
        client.put(READER, [glow(COUNTS + n)])
    with closing(connect(tmp_path / "backup.db", create=True)) as backup:
        served = connection

        async def use(work: Callable[[sqlite3.Connection], T]) -> T:
            return work(served)

        async with fitting(use) as process:
            await until(lambda: len(rows(connection)) == 5)
            served = backup
            StoreClient(backup).put(READER, [glow()])
            await asyncio.sleep(0.1)
            assert (rows(backup), len(process.asked)) == ([], 5)
            prepared(backup)
            await until(lambda: rows(backup))
        assert rows(backup) == [(1, ANALYSIS, "TLD-100", "X-1")]


async def test_a_fit_is_kept_in_the_store_that_has_its_curve(
    connection: sqlite3.Connection, client: StoreClient, tmp_path: Path
) -> None:
    """The file is replaced while the fit is made."""
    prepared(connection)
    client.put(READER, [glow()])
    with closing(connect(tmp_path / "backup.db", create=True)) as backup:
        served = connection

        async def use(work: Callable[[sqlite3.Connection], T]) -> T:
            return work(served)

        class Replacing(InProcess):
            async def fit(self, preset: str, name: str, body: bytes) -> dict[str, Any]:
                nonlocal served
                served = backup
                return await super().fit(preset, name, body)

        async with fitting(use, Replacing()) as process:
            await until(lambda: process.asked)
            await asyncio.sleep(0.05)
        assert (rows(connection), rows(backup)) == ([], [])


async def test_a_damaged_curve_is_not_fitted_and_keeps_no_other_from_it(
    connection: sqlite3.Connection, client: StoreClient
) -> None:
    prepared(connection)
    client.put(READER, [glow(), glow(COUNTS + 1)])
    connection.execute("UPDATE entries SET checksum = checksum + 1 WHERE seq = 1")
    async with fitting(using(connection)):
        await until(lambda: rows(connection))
    assert [row[0] for row in rows(connection)] == [2]
