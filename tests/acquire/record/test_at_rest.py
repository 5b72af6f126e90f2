"""The record of a closed and calculated session stays as it is, whatever instruments and other sessions do then."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from cases import case_b, client_b
from noticed import OUT, diode_case
from scenario_a import CHIPS, StoreClient, closed, demo_file, measured, prepared
from worked import GIVEN, WorkedClient, closed_results, run

from acquire.fits import kept
from acquire.fits.curves import fitted
from acquire.fits.shown import NOT_BY_THEN, fits_of_session
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session import notices
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.closing import asks_for_amendment, close_session
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.placement import place
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import begin_step, run_step
from acquire.procedure.signing import writing
from acquire.record import build
from acquire.store import alarms, audit, entries, streams
from acquire.store.database import identity, transaction
from acquire.store.ingest import ingest

OF_NOW = ("integrity", "sha256", "notices")  # heads of the chains, and mails: how things are at printing

Made = tuple[str, StoreClient, Callable[[], Awaitable[str]]]  # session, client, and how the next one is measured


async def of_demo(connection: sqlite3.Connection) -> Made:
    """Diodes, chips with their standards, and a disc with a glow curve; then the same of the next fraction."""
    client = StoreClient(connection)
    session = await closed(connection, client)
    calculate_session(connection, session, "MP-1")

    async def next_one() -> str:
        files = {"calibrations": demo_file("calibrations.toml"), "inventory": demo_file("inventory.toml")}
        later = start_session(connection, "ORD-A-1", "MD-1", fraction=2, simulated=True, **files).id
        time_out(connection, later, "MD-1", "RT-1", identifiers_agree=True)
        set_environment(connection, later, "MD-1", temperature_c=25.0, pressure_kpa=99.0, source="room sensors")
        await measured(connection, client, later)
        client.chips("tray-2.asc", CHIPS | {"999": 5.0})
        client.disc()
        return later

    return session, client, next_one


async def of_thresholds(connection: sqlite3.Connection) -> Made:
    """A MOSFET, and chips of another reader."""
    case, reads = case_b()
    client = client_b(connection)
    case.add(connection)

    async def one(fraction: int) -> str:
        session = case.start(connection, fraction)
        await run(connection, client, session)
        client.read_elements([*reads, ("of nobody", 5.0)] if fraction > 1 else reads, file=f"tray {fraction}")
        enter_console_time(
            connection, session, "MD-1", total_s=GIVEN["B_tcons"], treated_at="2026-02-05T10:31:00+01:00"
        )
        return session

    session = await one(1)
    closed_results(connection, session)
    return session, client, lambda: one(2)


async def of_notice(connection: sqlite3.Connection) -> Made:
    """A diode that is out of tolerance, of which people get mail."""
    case, client = diode_case(), WorkedClient(connection)
    case.add(connection)
    client.beam = {"c2": OUT}

    async def one(fraction: int) -> str:
        session = case.start(connection, fraction)
        await run(connection, client, session)
        return session

    session = await one(1)
    closed_results(connection, session)
    return session, client, lambda: one(2)


async def everything_happens(connection: sqlite3.Connection, session: str, made: Made) -> None:
    """What comes by itself: readings, the next patient, lost and new connections, fits, mails, alarms."""
    _, client, next_one = made
    polled = [each for each in client.instruments if each.startswith("electrometer")]
    for instrument in polled * 5:
        client.idle(instrument)
        client.of(instrument).charge_nc += 1.0  # a beam outside every measurement
    read_once_more(connection, client, session)
    fit_all(connection)
    mails(connection, session)
    later = await next_one()
    close_session(connection, later, "MD-1")
    calculate_session(connection, later, "MP-1")
    for instrument in list(client.instruments):
        connected_anew(connection, client, instrument)
        client.idle(instrument)
    fit_all(connection)
    with transaction(connection):
        alarms.raise_alarm(connection, "disk", "store", "The disk is nearly full.")
        audit.append(connection, "MP-1", "did", "something", [])


def read_once_more(connection: sqlite3.Connection, client: StoreClient, session: str) -> None:
    """Every element that was read there, emptied as it is; on the next pages of the reader's file."""
    for each in build(connection, session)["points"]:
        for readings in (each["evidence"] or {"readings": {}})["readings"].values():
            for at in [r for r in readings if "element" in r]:
                stream = streams.named(connection, at["stream"])
                entry = entries.entry_at(connection, at["stream"], at["seq"])
                assert stream is not None
                assert entry is not None
                body = json.loads(entry.body)
                client.put(stream.instrument, [{**body, "origin": {"file": "again", "sha256": "cd" * 32}}])


def connected_anew(connection: sqlite3.Connection, client: StoreClient, instrument: str) -> None:
    """Its stream ends, and another one begins."""
    of = client.of(instrument)
    message = {
        "schema": "readings/1", "stream": of.stream, "first_seq": of.head + 1, "readings": [], "source": client.source,
        "head": of.head, "oldest": 1, "ended": "link-lost", "ask": str(uuid4()), "epoch": identity(connection)[1],
        "older": 0,
    }  # fmt: skip
    ingest(
        connection, client.site, [(f"dosimetry/v1/{client.site}/{instrument}/readings", json.dumps(message).encode())]
    )
    row = streams.named(connection, of.stream)
    assert row is not None
    assert row.ended == "link-lost"
    of.stream, of.head = str(uuid4()), 0


def fit_all(connection: sqlite3.Connection) -> None:
    """The service has fitted every curve that is there."""
    for stream in streams.every(connection):
        for entry in entries.between(connection, stream.stream, 1, stream.through):
            if entry.kind == "glow-curve":
                curve = kept.Curve(stream.stream, entry.seq, entry.digest, "TLD-100", "X-1", "X-1", entry.body)
                if not kept.is_kept(connection, curve):
                    kept.keep(connection, [(curve, fitted("TLD-100", "X-1", entry.body))])


def mails(connection: sqlite3.Connection, session: str) -> None:
    with transaction(connection):
        for each in notices.notices(connection, session):
            notices.mark(connection, each, "not-delivered", name="a physicist", reason="no answer")
            notices.mark(connection, each, "mailed", name="a physician", round=0)


def fits(record: dict[str, Any]) -> list[Any]:
    return [each for point in record["points"] for each in point["fits"]]


def at_rest(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in OF_NOW}


@pytest.mark.parametrize("kind", [of_demo, of_thresholds, of_notice])
async def test_what_comes_after_closing_changes_nothing_of_the_record(
    connection: sqlite3.Connection, kind: Callable[[sqlite3.Connection], Awaitable[Made]]
) -> None:
    made = await kind(connection)
    session = made[0]
    before = build(connection, session)
    await everything_happens(connection, session, made)
    after = build(connection, session)
    assert after["to_sign"] == before["to_sign"]
    for key, value in at_rest(before).items():
        assert after[key] == value, key


async def test_a_record_has_the_fits_that_were_there_when_it_was_calculated_or_words_were_written(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs has read them: one that is made after the words, or by a later analysis, is for the status."""
    monkeypatch.setattr(writing, "not_known", lambda *_: None)  # typed names: who may write is another test's
    session, _, _ = await of_demo(connection)
    fit_all(connection)
    (none,) = fits(build(connection, session))
    assert none["says"] == NOT_BY_THEN
    writing.write(connection, session, "review", "Agrees with the plan.", "MP-1")
    (first,) = fits(build(connection, session))
    assert first["result"]["refused"] is None
    monkeypatch.setattr(kept, "ANALYSIS", "glow 2")
    fit_all(connection)
    assert fits(build(connection, session)) == [first]
    (now,) = fits_of_session(connection, get_session(connection, session))
    assert (first["analysis"], now["analysis"]) == ("glow 1", "glow 2")


async def test_an_end_that_was_missing_at_closing_asks_for_an_amendment(connection: sqlite3.Connection) -> None:
    client = StoreClient(connection)
    session = prepared(connection)
    await run_step(connection, client, session, "zero-b1", "MD-1", client.during)
    await begin_step(connection, client, session, "background-b1", "MD-1")
    client.put("electrometer-1", [client.charge("electrometer-1", 3.0 + each, []) for each in range(3)])
    close_session(connection, session, "MP-1", over="its host is down")
    assert asks_for_amendment(connection, get_session(connection, session)) == []
    connected_anew(connection, client, "electrometer-1")
    sentence = "The end of background-b1, over which the session was closed, came after closing."
    assert build(connection, session)["asks_for_amendment"] == [sentence]


async def test_an_element_that_was_out_at_closing_and_is_read_asks_for_an_amendment(
    connection: sqlite3.Connection,
) -> None:
    client = StoreClient(connection)
    session = prepared(connection)
    place(connection, get_session(connection, session), "P6", "X-1", "MD-1")
    close_session(connection, session, "MP-1", over="it fell off, and is looked for")
    assert build(connection, session)["attached_to_nothing"] == []
    client.disc()
    record = build(connection, session)
    assert record["asks_for_amendment"] == ["The reading of X-1 came after closing."]
    (found,) = record["attached_to_nothing"]
    assert (found["element"], found["why"]) == ("X-1", "was read before its removal was written")
