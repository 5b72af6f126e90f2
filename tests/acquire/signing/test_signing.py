"""Words and signatures: who may sign what, what a signature binds, and that what is signed never changes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from noticed import WITHIN, calculated, diode_case
from people_known import everybody, staffed
from signable import interpreted, ready, reviewed, signs, to_sign, whole
from test_order_versions import form

from acquire.canonical import parse
from acquire.duties import Role
from acquire.errors import Refused
from acquire.people import change, get_account
from acquire.procedure.documents.cancelled import cancel_order
from acquire.procedure.documents.order import add_order
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session
from acquire.procedure.signing.rows import rendition_of, signatures_of
from acquire.procedure.signing.standing import standing
from acquire.procedure.signing.writing import amend, cover, give, write
from acquire.record import build, signing
from acquire.record.figures import stated
from acquire.record.signing import sign
from acquire.store import audit
from acquire.store.database import connect, transaction

ORDER = "ORD-N-1"


@pytest.fixture
async def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[sqlite3.Connection, str]]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    connection = connect(tmp_path / "store.db", create=True)
    session = await ready(connection)
    with everybody():
        yield connection, session
    assert verify_store(connection) == []
    connection.close()
    monkeypatch.undo()
    time.tzset()


def test_a_record_is_reviewed_then_interpreted_and_says_so(made: Any) -> None:
    connection, session = made
    before = build(connection, session)
    assert (before["status"], before["bands"], before["people_not_known"]) == ("DRAFT", [], None)
    reviewed(connection, session)
    half = build(connection, session)
    assert (half["status"], half["bands"]) == ("DRAFT", ["PHYSICS REVIEWED, AWAITING PHYSICIAN"])
    interpreted(connection, session)
    record = build(connection, session)
    assert (record["status"], record["version"], record["bands"]) == ("SIGNED", 1, [])
    assert [(s["account"], s["name"], s["role"], s["meaning"]) for s in record["signatures"]] == [
        ("MP-1", "Mary Phys", "physicist", "review"), ("RO-1", "Rosa Oncol", "radiation-oncologist", "interpretation")
    ]  # fmt: skip
    assert record["words"]["decision"]["choice"] == "unchanged"
    rules = {rule["id"]: rule["status"] for rule in record["rules_77331"]}
    signed = ("review", "interpretation", "prescriber", "result-used", "people", "physicians-part")
    assert {rules[each] for each in signed} == {"met"}
    json, html = rendition_of(connection, session, 1) or (b"", b"")
    assert parse(json)["signatures"] == record["signatures"]
    for said in (
        b"Mary Phys (MP-1, physicist)",
        b"Plan unchanged",
        f", local time {stated(record['signatures'][1]['local_at'])}".encode(),  # its people are not in Greenwich
    ):
        assert said in html
    assert b"not signed" not in html


def test_each_signature_binds_the_record_that_was_shown(made: Any) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")
    shown = to_sign(connection, session)
    write(connection, session, "review", "Agrees with the plan, on reflection.", "MP-1")
    account = get_account(connection, "MP-1")
    for seen in (shown, "", shown[:4], to_sign(connection, session)[:11], "x" * 64):
        with pytest.raises(Refused, match="to be signed now begins with"):
            sign(connection, session, account, seen)
    made_now = sign(connection, session, account, to_sign(connection, session)[:12])
    assert made_now.record_sha256 != shown
    assert made_now.at.endswith("Z")
    assert made_now.local_at[-6] in "+-"


@pytest.mark.parametrize(
    ("who", "sentence"),
    [("MD-1", "signs no record"), ("AU-1", "signs no record"), ("AD-1", "signs no record"),
     ("MP-2", "The review was written by MP-1: MP-2 signs own words"), ("RO-1", "The physicist reviews first")],
)  # fmt: skip
def test_nobody_signs_what_is_not_theirs(made: Any, who: str, sentence: str) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")
    write(connection, session, "interpretation", "As planned.", "RO-1")
    write(connection, session, "decision", "No change.", "RO-1", "unchanged")
    with pytest.raises(Refused, match=sentence):
        signs(connection, session, who)
    assert signatures_of(connection, session) == []


def test_words_are_written_before_they_are_signed(made: Any) -> None:
    connection, session = made
    with pytest.raises(Refused, match="The review of version 1 is not written yet"):
        signs(connection, session, "MP-1")
    for nothing in ("", ".", " \n", "x" * 20_000):
        with pytest.raises(Refused, match="Write the review in words"):
            write(connection, session, "review", nothing, "MP-1")
    reviewed(connection, session)
    with pytest.raises(Refused, match="MP-1 has signed version 1"):
        signs(connection, session, "MP-1")
    with pytest.raises(Refused, match="The interpretation of version 1 is not written yet"):
        signs(connection, session, "RO-1")
    write(connection, session, "interpretation", "As planned.", "RO-1")
    with pytest.raises(Refused, match="The decision of version 1 is not written yet"):
        signs(connection, session, "RO-1")


def test_whoever_measured_is_not_the_only_reviewer(made: Any) -> None:
    connection, session = made
    change(connection, "MD-1", "AD-1", roles=[Role.PHYSICIST], reason="examined")
    reviewed(connection, session, "MD-1")
    with pytest.raises(Refused, match="MD-1 measured this session: another physicist reviews it"):
        interpreted(connection, session)
    signs(connection, session, "MP-2")
    interpreted(connection, session)
    assert build(connection, session)["status"] == "SIGNED"


def test_another_physician_signs_only_when_named_as_covering(made: Any) -> None:
    connection, session = made
    reviewed(connection, session)
    for what, choice in (("interpretation", None), ("decision", "unchanged")):
        with pytest.raises(Refused, match="The order is RO-1's; RO-2 may interpret and sign it when named as covering"):
            write(connection, session, what, "The entrance dose is as planned.", "RO-2", choice)  # type: ignore[arg-type]
    for who, named in (("RO-2", "RO-2"), ("MP-1", "RO-2"), ("RO-1", "MP-1"), ("RO-1", "RO-1")):
        with pytest.raises(Refused):
            cover(connection, ORDER, named, "on leave", who)
    cover(connection, ORDER, "RO-2", "on leave", "RO-1")
    interpreted(connection, session, "RO-2")
    record = build(connection, session)
    assert record["signatures"][-1]["covering_for"] == "RO-1"
    assert {r["id"]: r["status"] for r in record["rules_77331"]}["prescriber"] == "met"


async def test_the_treating_physician_signs_what_another_ordered_in_that_ones_place(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    staffed(connection)
    with everybody():
        case = diode_case()
        add_order(connection, form(id=ORDER, covering_for="RO-2"), "form.toml", "MD-1")
        case.add_plan(connection)
        session = await calculated(connection, case, WITHIN)
        reviewed(connection, session)
        interpreted(connection, session, "RO-2")
    rules = {rule["id"]: rule for rule in build(connection, session)["rules_77331"]}
    assert rules["interpretation"]["says"].startswith(
        "Interpreted by RO-2 (radiation-oncologist, the treating physician"
    )
    assert rules["prescriber"]["says"] == "Signed by RO-2, the treating physician, in whose place RO-1 ordered."
    assert rules["prescriber"]["status"] == "met"
    connection.close()


def test_what_comes_after_a_signature_is_an_unsigned_new_version_and_the_signed_one_stands(made: Any) -> None:
    connection, session = made
    whole(connection, session)
    signed = rendition_of(connection, session, 1)
    cancel_order(connection, ORDER, "RO-1", "the course is over")
    record = build(connection, session)
    assert (record["status"], record["version"], record["signatures"]) == ("DRAFT", 2, [])
    assert record["bands"] == ["CHANGED SINCE VERSION 1 WAS SIGNED"]
    assert record["words"] == {"review": None, "interpretation": None, "decision": None}
    assert "The physicist's review of the results is not signed." in record["missing_for_77331"]
    for what in ("review", "interpretation"):
        with pytest.raises(Refused, match="What is there now is a new version: acquire session amend"):
            write(connection, session, what, "As it is now.", "MP-1" if what == "review" else "RO-1")
    with pytest.raises(Refused, match="What is there now is a new version"):
        signs(connection, session, "MP-2")
    with pytest.raises(Refused, match="Say why"):
        amend(connection, session, " ", "MP-1")
    assert amend(connection, session, "the order was cancelled afterwards", "MP-1") == 2
    with pytest.raises(Refused, match=r"Version 2 of .* is not signed yet"):
        amend(connection, session, "again", "MP-1")
    whole(connection, session)
    record = build(connection, session)
    assert (record["status"], record["bands"]) == ("AMENDED", ["VERSION 2, REPLACES VERSION 1"])
    assert "was cancelled by RO-1" in record["order"]["cancelled"]
    assert rendition_of(connection, session, 1) == signed
    assert b"VERSION 2, REPLACES VERSION 1" in (rendition_of(connection, session, 2) or (b"", b""))[1]


def test_whatever_is_written_about_the_measurement_is_a_change(made: Any) -> None:
    connection, session = made
    whole(connection, session)
    measured = connection.execute("SELECT measurement FROM attempt WHERE session = ?", (session,)).fetchone()[0]
    of = get_session(connection, session)
    for what in ("result", "statement", "attempt requested", "session state", "placement corrected", "of tomorrow"):
        for subject, changes in ((session, 1), (f"{session} C2", 1), (measured, 1), (f"{session}x", 0)):
            connection.execute("BEGIN")
            audit.keep(connection, "MD-1", what, subject)
            assert len(standing(connection, of).changes) == changes, (what, subject)
            connection.execute("ROLLBACK")
    assert standing(connection, of).is_signed


def test_a_signed_version_is_printed_as_it_was_by_a_program_that_would_print_otherwise(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, session = made
    reviewed(connection, session)
    shown = build(connection, session)
    monkeypatch.setattr(sys.modules["acquire.record.build"], "NOT_A_DEVICE", "other words of a later release")
    assert build(connection, session)["notice"] == shown["notice"]
    interpreted(connection, session)
    assert build(connection, session)["status"] == "SIGNED"


async def test_nothing_is_signed_where_names_are_typed(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    case = diode_case()
    case.add(connection)
    session = await calculated(connection, case, 39.8)
    with pytest.raises(Refused, match=r"Nothing of .* can be signed. People were not authenticated"):
        write(connection, session, "review", "Agrees with the plan.", "MP-1")
    record = build(connection, session)
    assert record["people_not_known"].startswith("People were not authenticated")
    assert not record["charge"]["ready"]
    connection.close()


@pytest.mark.parametrize("at", ["acquire.record.signing.html", "acquire.record.signing.as_json"])
def test_a_failure_in_the_middle_leaves_no_signature(made: Any, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")
    entries = audit.head(connection)

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(at, full)
    with pytest.raises(OSError, match="No space left"):
        signs(connection, session, "MP-1")
    assert audit.head(connection) == entries
    monkeypatch.undo()
    signs(connection, session, "MP-1")


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_no_signature_or_a_whole_one(made: Any, tmp_path: Path) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")
    shown = to_sign(connection, session)
    outcomes = set()
    for call in range(1, 8):
        copy = tmp_path / f"killed-{call}.db"
        connection.execute("VACUUM INTO ?", (str(copy),))
        process = multiprocessing.get_context("fork").Process(target=_killed, args=(copy, session, shown, call))
        process.start()
        process.join(60)
        after = connect(copy)
        signed = signatures_of(after, session)
        assert verify_store(after) == []
        assert (rendition_of(after, session, 1) is None) == (signed == [])
        outcomes.add((process.exitcode == -signal.SIGKILL, len(signed)))
        after.close()
    assert outcomes == {(True, 0), (False, 1)}


def _killed(store: Path, session: str, shown: str, call: int) -> None:
    """Sign, and be killed at the n-th row or entry that is written."""
    connection = connect(store)
    calls = iter(range(1, 1000))

    def traced(statement: str) -> None:
        if statement.startswith("INSERT INTO") and next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(traced)
    with everybody():
        signing.sign(connection, session, get_account(connection, "MP-1"), shown)
    os._exit(0)


def test_others_write_while_a_record_is_laid_out(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying out takes seconds: no lock of the store is held for it, and what others do there changes nothing."""
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")

    def another(store: sqlite3.Connection) -> None:
        write_something(store, "another session's entry")

    laid_out = meanwhile(monkeypatch, tmp_path, another)
    signs(connection, session, "MP-1")
    assert len(laid_out) == 1
    json, page = rendition_of(connection, session, 1) or (b"", b"")
    assert parse(json)["signatures"][0]["account"] == "MP-1"
    assert page.decode() == laid_out[0]


def test_what_comes_to_the_record_meanwhile_is_laid_out_too(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")

    def given_away(store: sqlite3.Connection) -> None:
        give(store, session, None, b"draft", "html", "Dr. Far", "MP-1")

    laid_out = meanwhile(monkeypatch, tmp_path, given_away)
    signs(connection, session, "MP-1")
    assert ["Dr. Far" in page for page in laid_out] == [False, True]
    _, page = rendition_of(connection, session, 1) or (b"", b"")
    assert page.decode() == laid_out[1]


def test_a_record_that_is_another_one_by_then_is_not_signed(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, session = made
    write(connection, session, "review", "Agrees with the plan.", "MP-1")

    def other_words(store: sqlite3.Connection) -> None:
        write(store, session, "review", "Disagrees with the plan.", "MP-1")

    meanwhile(monkeypatch, tmp_path, other_words)
    with pytest.raises(Refused, match="to be signed now begins with"):
        signs(connection, session, "MP-1")
    assert signatures_of(connection, session) == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, folder: Path, does: Callable[[sqlite3.Connection], None]) -> list[str]:
    """Somebody else does something to the store once, while a page is laid out; the pages, in their order."""
    pages: list[str] = []
    lay_out = signing.html

    def html(record: dict[str, Any]) -> str:
        if not pages:
            other = connect(folder / "store.db")
            does(other)
            other.close()
        pages.append(lay_out(record))
        return pages[-1]

    monkeypatch.setattr(signing, "html", html)
    return pages


def write_something(store: sqlite3.Connection, what: str) -> None:
    with transaction(store):
        audit.keep(store, "MP-1", what, "s-elsewhere")


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    before = multiprocessing.active_children()  # what a page's commands are forked from, where one was followed
    yield
    assert multiprocessing.active_children() == before
