"""The PDF of a signed version: made once, of the JSON that was signed, and the same bytes for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from people_known import everybody
from signable import interpreted, ready, reviewed, whole

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session
from acquire.procedure.signing.rows import pdf_of, rendition_of
from acquire.procedure.signing.standing import standing
from acquire.procedure.signing.writing import amend
from acquire.record import build, html, signing
from acquire.record.signing import kept_pdf
from acquire.store.database import connect


@pytest.fixture
async def made(tmp_path: Path) -> Any:
    connection = connect(tmp_path / "store.db", create=True)
    session = await ready(connection)
    with everybody():
        yield connection, session
    assert verify_store(connection) == []
    connection.close()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The records of which a PDF was made; laying pages out is another test's."""
    records: list[dict[str, Any]] = []

    def printed(record: dict[str, Any]) -> bytes:
        records.append(record)
        return b"%%PDF-1.7 the %dth" % len(records)

    monkeypatch.setattr(signing, "pdf", printed)
    return records


def test_it_is_made_once_and_a_reprint_is_the_bytes_that_are_kept(made: Any, written: list[dict[str, Any]]) -> None:
    connection, session = made
    with pytest.raises(Refused, match="There is no signed version 1 of"):
        kept_pdf(connection, session, 1)
    whole(connection, session)
    first = kept_pdf(connection, session, 1)
    assert (first, kept_pdf(connection, session, 1)) == (b"%PDF-1.7 the 1th", first)
    json, _ = rendition_of(connection, session, 1) or (b"", b"")
    assert written == [parse(json)], "it is made of the JSON that was signed, not of how things are now"
    assert standing(connection, get_session(connection, session)).is_signed, "a PDF is no change of what was signed"
    amend(connection, session, "looked at again", "MP-1")
    whole(connection, session)
    assert kept_pdf(connection, session, 2) == b"%PDF-1.7 the 2th"
    assert kept_pdf(connection, session, 1) == first


def test_another_signature_makes_another_pdf(made: Any, written: list[dict[str, Any]]) -> None:
    connection, session = made
    reviewed(connection, session)
    half = kept_pdf(connection, session, 1)
    assert [each["account"] for each in written[-1]["signatures"]] == ["MP-1"]
    interpreted(connection, session)
    assert pdf_of(connection, session, 1) is None
    assert kept_pdf(connection, session, 1) != half
    assert [each["account"] for each in written[-1]["signatures"]] == ["MP-1", "RO-1"]


def test_where_none_can_be_made_the_signature_stands_and_one_can_be_made_later(
    made: Any, written: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, session = made
    whole(connection, session)

    def no_pango(_: object) -> bytes:
        raise Refused("A PDF needs the library Pango.")

    with monkeypatch.context() as without:
        without.setattr(signing, "pdf", no_pango)
        with pytest.raises(Refused, match="Pango"):
            kept_pdf(connection, session, 1)
    assert build(connection, session)["status"] == "SIGNED"
    assert kept_pdf(connection, session, 1) == b"%PDF-1.7 the 1th"


def test_an_amended_record_knows_what_the_version_before_said(made: Any) -> None:
    connection, session = made
    whole(connection, session)
    json, _ = rendition_of(connection, session, 1) or (b"", b"")
    assert parse(json)["was"] is None
    amend(connection, session, "looked at again", "MP-1")
    record = build(connection, session)
    assert record["was"] == {"version": 1, "points": {}}, "nothing was measured or calculated since"
    assert "(was " not in html(record)


def test_people_are_named_as_their_accounts_are(made: Any) -> None:
    connection, session = made
    people = build(connection, session)["people"]
    assert people["MP-1"] == {"name": "Mary Phys", "roles": ["physicist"]}
    assert "Rosa Oncol (RO-1)" in html(build(connection, session))
    assert "AU-1" not in people, "who has nothing to do with it is not named"
