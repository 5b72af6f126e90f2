"""A store's clock that is set between two things people and instruments do decides nothing: what was received does."""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta
from types import SimpleNamespace

import edits
import pytest
from cases import case_d
from worked import READER, WorkedClient, closed_results, state_unmeasured_beam

from acquire import canonical
from acquire.procedure.readouts.elements import Readout, readout
from acquire.procedure.readouts.placed import last_removed, next_placed, placements
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts, request
from acquire.procedure.session.closing import asks_for_amendment, close_session
from acquire.procedure.session.placement import correct, place, remove
from acquire.procedure.session.session import get_session, list_sessions
from acquire.procedure.session.steps import abandon_step
from acquire.procedure.session.unattached import unattached
from acquire.record import attached
from acquire.store.made import Made, Received

CHIP, OTHER, POINT = "head-R-a", "head-R-b", "head-R"
SET_BY = [timedelta(hours=-1), timedelta(0), timedelta(hours=1), timedelta(days=-400)]
BACK, FORWARD = timedelta(hours=-1), timedelta(hours=1)


class StoresClock:
    """The store's calendar clock; those of hosts are left alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.off = timedelta(0)
        monkeypatch.setattr(canonical, "time", SimpleNamespace(time_ns=self.time_ns))

    def time_ns(self) -> int:
        return time.time_ns() + round(self.off.total_seconds() * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoresClock:
    return StoresClock(monkeypatch)


@pytest.fixture
def session(connection: sqlite3.Connection) -> str:
    case, _ = case_d()
    case.add(connection)
    return case.start(connection)


@pytest.fixture
def client(connection: sqlite3.Connection) -> WorkedClient:
    return WorkedClient(connection)


def put(connection: sqlite3.Connection, session: str, chip: str = CHIP) -> None:
    place(connection, get_session(connection, session), POINT, chip, "MD-1")


def take(connection: sqlite3.Connection, session: str, chip: str = CHIP) -> None:
    state_unmeasured_beam(connection, get_session(connection, session))
    remove(connection, get_session(connection, session), chip, "MD-1")


def read(connection: sqlite3.Connection, session: str, chip: str = CHIP) -> Readout:
    now = get_session(connection, session)
    (placed,) = [p for p in placements(connection, session) if p.dosimeter == chip]
    return readout(connection, now.inventory.element_named(chip), placed, now.plan.batch_of(READER))


def by_hand(table: str, sql: str) -> edits.Edit:
    return edits.Edit(sql, table, None, lambda connection: connection.execute(sql))


@pytest.mark.parametrize("by", SET_BY)
def test_a_readout_after_the_removal_counts(connection, session, client, clock, by):
    put(connection, session)
    take(connection, session)
    clock.off = by
    client.read_elements([(CHIP, 7.0)])
    found = read(connection, session)
    assert found.used is not None
    assert (found.used.body["value"], found.later, found.held, found.by_clock) == (7.0, (), (), False)


@pytest.mark.parametrize("by", SET_BY)
def test_a_readout_before_the_removal_does_not(connection, session, client, clock, by):
    put(connection, session)
    client.read_elements([(CHIP, 7.0)])
    clock.off = by
    take(connection, session)
    assert read(connection, session).used is None
    client.read_elements([(CHIP, 8.0)])
    assert read(connection, session).used.body["value"] == 8.0


@pytest.mark.parametrize("by", SET_BY)
def test_what_is_read_after_it_was_placed_again_is_of_the_new_placement(connection, session, client, clock, by):
    put(connection, session)
    take(connection, session)
    client.read_elements([(CHIP, 7.0)])
    close_session(connection, session, "MD-1", over="only this chip")
    case, _ = case_d()
    second = case.start(connection, fraction=2)
    first = next(p for p in placements(connection, session) if p.dosimeter == CHIP)
    clock.off = by
    put(connection, second)
    assert next_placed(connection, first) == placements(connection, second)[0].placed
    clock.off = -by
    take(connection, second)
    clock.off = by
    client.ahead_s = 2 * 3600.0  # its host's clock is beyond doubt
    client.read_elements([(CHIP, 9.0)])
    assert (read(connection, session).used.body["value"], read(connection, session).later) == (7.0, ())
    assert read(connection, second).used.body["value"] == 9.0
    assert last_removed(connection, CHIP).session == second
    assert list_sessions(connection) == [session, second]


@pytest.mark.parametrize("by", SET_BY)
def test_what_comes_after_closing_is_late_and_what_came_before_is_not(connection, session, client, clock, by):
    for chip in (CHIP, OTHER):
        put(connection, session, chip)
        take(connection, session, chip)
    client.read_elements([(CHIP, 7.0)])
    clock.off = by
    close_session(connection, session, "MD-1", over="one is read tomorrow")
    assert asks_for_amendment(connection, get_session(connection, session)) == []
    clock.off = -by
    client.read_elements([(OTHER, 7.0)])
    late = asks_for_amendment(connection, get_session(connection, session))
    assert late == [f"The reading of {OTHER} came after closing."]


@pytest.mark.parametrize("by", SET_BY)
def test_what_came_since_a_session_began_is_told_by_what_had_come_then(connection, client, clock, by):
    case, _ = case_d()
    case.add(connection)
    client.read_elements([("S-1", 1.0), ("nobody's", 1.0)])
    clock.off = by
    started = case.start(connection)
    clock.off = timedelta(0)
    session = get_session(connection, started)
    assert (unattached(connection, session), attached(connection, started)) == ([], {READER: 0})
    clock.off = -by
    client.read_elements([("S-1", 1.0), ("nobody's", 1.0)])
    assert [u.element for u in unattached(connection, session)] == ["nobody's"]
    assert attached(connection, started) == {READER: 1}


@pytest.mark.parametrize("by", SET_BY)
async def test_attempts_stay_in_the_order_in_which_they_were_asked_for(connection, session, clock, by):
    step = get_session(connection, session).plan.step[-1]
    first = request(connection, session, step, "MD-1")
    clock.off = by
    await abandon_step(connection, session, step.id, "MD-1", "the tray fell", beam_given=False)
    second = request(connection, session, step, "MD-1")
    assert [a.measurement for a in attempts(connection, session)] == [first.measurement, second.measurement]
    with edits.taken_back(connection):  # what no seal holds decides nothing
        edits.made(connection, by_hand("attempt", "UPDATE attempt SET rowid = -rowid"))
        assert [a.measurement for a in attempts(connection, session)] == [first.measurement, second.measurement]


def test_a_correction_is_of_when_the_first_row_was_made(connection, session, client):
    client.read_elements([("S-1", 1.0)])
    put(connection, session)
    client.read_elements([(OTHER, 6.0)])
    take(connection, session)
    client.read_elements([(OTHER, 7.0)])
    (written,) = placements(connection, session)
    assert (written.made_after, written.removed_after) == (1, 2)
    correct(connection, get_session(connection, session), CHIP, OTHER, "MD-1", "MP-1", "the labels were swapped")
    (corrected,) = placements(connection, session)
    assert (corrected.placed, corrected.removed) == (written.placed, written.removed)
    found = read(connection, session, OTHER)
    assert (found.used.body["value"], found.later) == (7.0, ())
    assert verify_store(connection) == []


def test_a_corrected_placement_of_later_stands_where_it_was_first_written(connection, session, client):
    """The chip lay in a later session, where another one was written at first."""
    put(connection, session)
    take(connection, session)
    client.read_elements([(CHIP, 7.0)])
    close_session(connection, session, "MD-1", over="only this chip")
    case, _ = case_d()
    second = case.start(connection, fraction=2)
    put(connection, second, OTHER)
    client.read_elements([(CHIP, 8.0)])
    take(connection, second, OTHER)
    assert len(read(connection, session).later) == 1
    correct(connection, get_session(connection, second), OTHER, CHIP, "MD-1", "MP-1", "the labels were swapped")
    client.read_elements([(CHIP, 9.0)])
    assert read(connection, session).later == ()
    assert read(connection, second).used.body["value"] == 9.0


def earlier(connection: sqlite3.Connection, table: str) -> None:
    """The rows of a table as a release before schema 15 wrote them."""
    edits.made(connection, by_hand(table, f"UPDATE {table} SET made_after = NULL"))


@pytest.mark.parametrize(("by", "counts"), [(BACK, False), (timedelta(0), True), (FORWARD, True)])
def test_a_row_of_an_earlier_release_goes_by_the_clock_and_the_record_says_so(
    connection, session, client, clock, by, counts
):
    for chip in (CHIP, OTHER):
        put(connection, session, chip)
        take(connection, session, chip)
    for table in ("placement", "removal"):
        earlier(connection, table)
    clock.off = by
    client.read_elements([(CHIP, 7.0), (OTHER, 7.0)])
    found = read(connection, session)
    assert (found.used is not None, found.by_clock) == (counts, True)
    output = closed_results(connection, session, over="a part of it")[POINT]
    told = f"Whether {CHIP} was read after its removal is by the store's clock alone: an earlier version kept nothing"
    assert any(each.startswith(told) for each in output["remarks"]) is counts


def test_a_session_closed_by_an_earlier_release_says_that_its_clock_tells_what_was_late(connection, session, client):
    put(connection, session)
    take(connection, session)
    close_session(connection, session, "MD-1", over="read tomorrow")
    earlier(connection, "session_state")
    client.read_elements([(CHIP, 7.0)])
    late = asks_for_amendment(connection, get_session(connection, session))
    assert late == [f"The reading of {CHIP} came after closing, by the store's clock."]


def test_the_number_of_a_receipt_that_no_seal_holds_decides_nothing(connection, session, client):
    """Received before schema 15, and moved by SQL to where it would have come after all."""
    client.read_elements([("S-1", 1.0)])
    put(connection, session)
    client.read_elements([(CHIP, 7.0), ("nobody's", 7.0)])
    take(connection, session)
    for table, sql in (
        ("received", "UPDATE received SET numbered = NULL"),
        ("received", "INSERT INTO received SELECT 99, at, NULL FROM received WHERE number = 2"),
        ("entries", "UPDATE entries SET received = 99 WHERE received = 2"),
    ):
        edits.made(connection, by_hand(table, sql))
    assert read(connection, session).used is None
    assert unattached(connection, get_session(connection, session)) == []


def test_the_row_itself_counts_as_before_what_comes_with_the_next_number():
    made = Made(5, "2027-02-05T10:00:00.000000Z")
    assert [made.precedes(Received(n, "2026")) for n in (4, 5, 6)] == [False, False, True]
    by_clock = Made(None, made.at)
    times = ("2027-02-05T09:59:59.000000Z", made.at, "2027-02-05T10:00:01.000000Z")
    assert [by_clock.precedes(Received(9, at)) for at in times] == [False, False, True]
