"""Orders and merges in messages of HL7 v2: taken whole or not at all, and answered in one sentence without identity."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hl7
import hl7apy.parser
import pytest
from messages_v2 import NEED, merged, message, msh, nte, obr, orc, order, pid

from acquire.orders import Site
from acquire.orders.hl7_message import LARGEST, message_of, messages_of_file
from acquire.orders.mllp import Frames
from acquire.patients import PatientsFile, beside
from acquire.procedure.documents.cancelled import cancelled
from acquire.procedure.documents.identities import must_be_patient_of, verify_identities
from acquire.procedure.documents.messages import Answered, receive
from acquire.procedure.documents.order import get_order, list_orders, versions_of
from acquire.procedure.documents.patients import orders_of_patient
from acquire.procedure.results.verify import verify_store
from acquire.store.database import connect


@pytest.fixture
def room(tmp_path: Path) -> Iterator[tuple[Any, PatientsFile]]:
    connection = connect(tmp_path / "store.db", create=True)
    with PatientsFile(beside(tmp_path / "store.db")) as patients:
        yield connection, patients
    connection.close()


def answered(room: tuple[Any, PatientsFile], body: bytes) -> Answered:
    """The answer, after somebody else's parsers read it and found it sound."""
    found = receive(room[0], room[1], body, Site())
    text = found.body.decode()
    assert str(hl7.parse(text).segment("MSA")[1]) == found.code
    assert hl7apy.parser.parse_message(text).validate()
    assert b"EXAMPLE" not in found.body or b"ORD" in found.body
    assert "ANNA" not in text
    return found


@pytest.mark.parametrize("kind", ["OMG^O19^OMG_O19", "ORM^O01^ORM_O01"])
def test_an_order_is_taken_and_says_what_fhir_would(room: Any, kind: str) -> None:
    body = order().replace(b"OMG^O19^OMG_O19", kind.encode())
    assert hl7apy.parser.parse_message(body.decode(), validation_level=2)
    assert answered(room, body).code == "AA"
    found = get_order(room[0], "ORD-V2-1")
    assert (found.requester, found.requester_role, found.source) == ("RO-1", "MD", "hl7")
    assert (found.necessity, found.effect) == ("a hip prosthesis beside two of the beams.", "whether MU are rescaled.")
    assert found.authored_on.isoformat() == "2026-03-02T08:10:00-05:00"
    assert found.lacks == ()
    assert verify_store(room[0]) == []


def test_a_repeat_changes_nothing_and_is_answered_alike(room: Any) -> None:
    first = answered(room, order())
    entries = room[0].execute("SELECT count(*) FROM audit").fetchone()[0]
    again = answered(room, order())
    assert (again.code, again.says, again.is_repeat) == ("AA", first.says, True)
    assert room[0].execute("SELECT count(*) FROM audit").fetchone()[0] == entries
    other = answered(room, order().replace(b"rescaled", b"reviewed"))
    assert (other.code, other.control_id) == ("AE", "M-1")
    assert "came before with another content" in other.says


def test_change_and_cancellation_are_followed_and_the_old_version_stays(room: Any) -> None:
    answered(room, order())
    assert answered(room, order("XO", control_id="M-2").replace(b"rescaled", b"changed")).code == "AA"
    assert answered(room, order("RP", control_id="M-3").replace(b"rescaled", b"left")).code == "AA"
    assert [get_order(room[0], "ORD-V2-1", n).effect for n in (1, 2, 3)] == [
        "whether MU are rescaled.", "whether MU are changed.", "whether MU are left.",
    ]  # fmt: skip
    assert versions_of(room[0], "ORD-V2-1")[-1].who == "hl7 MOSAIQ@RADONC"
    assert answered(room, order("DC", control_id="M-4")).code == "AA"
    assert cancelled(room[0], "ORD-V2-1") is not None
    assert "was cancelled" in answered(room, order("XO", control_id="M-5")).says
    assert "There is no order" in answered(room, order("CA", "ORD-NONE", "M-6")).says


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        (b"77331", b"77300", "AE", "asks for 77300"),
        (b"^MD", b"^PA", "AE", "'PA'"),
        (b"^MD", b"^PhD", "AE", "'PhD'"),
        (b"RO-1^ONC", b"^ONC", "AE", "ordering provider has an id"),
        (b"ORC|NW", b"ORC|SC", "AE", "ORC-1 is 'SC'"),
        (b"ORD-V2-1^MOSAIQ|||||||", b"Doe, J^MOSAIQ|||||||", "AE", "cannot be used"),
        (b"|||||||2026", b"|||||||", "AE", "ORC-9"),
        (b"^^^^MD", b"^^^^MD~PA-1^HELPER^KIM^^^^PA", "AE", "'MD, PA'"),
        (b"ORD-V2-1^MOSAIQ|||||||", b"MRN-EXAMPLE-1^MOSAIQ|||||||", "AE", "ORC-2 and OBR-2"),
        (b"|||||||20260302081000-0500", b"|||||||20960302081000-0500", "AE", "in the future"),
        (NEED.encode(), b"Necessity: . Result decides: whether", "AE", "says nothing"),
        (b"PID|1||MRN-EXAMPLE-1^^^HOSP^MR", b"PID|1||", "AE", "no identifier (PID-3)"),
        (b"|P|2.5.1", b"|T|2.5.1", "AR", "Processing id 'T'"),
        (b"|P|2.5.1", b"|P|3", "AR", "Version '3'"),
        (b"OMG^O19^OMG_O19", b"ADT^A04^ADT_A01", "AR", "is not taken here"),
        (b"|M-1|", b"||", "AR", "no control id"),
        (b"MOSAIQ|RADONC", b"|RADONC", "AR", "does not name its sender"),
        (b"prosthesis", b"proth\xe8se", "AR", "names no character set"),
        (b"MSH|^~\\&|", b"MSH|^~\\&", "AR", "MSH"),
    ],
)  # fmt: skip
def test_what_is_not_taken_leaves_nothing_behind(room: Any, old: bytes, new: bytes, code: str, word: str) -> None:
    assert old in order()
    found = receive(room[0], room[1], order().replace(old, new, 1), Site())
    assert (found.code, word in found.says) == (code, True), found.says
    assert list_orders(room[0]) == []
    assert room[0].execute("SELECT count(*) FROM message_taken").fetchone()[0] == 0


@pytest.mark.parametrize(("offset", "hour"), [("-0500", 13), ("+0100", 7), ("+0000", 8)])
def test_a_time_without_an_offset_has_that_of_the_header_and_not_the_sites(room: Any, offset: str, hour: int) -> None:
    body = message(msh(f7=f"20260302081000{offset}"), pid(), orc(at="20260302081000"), obr(), nte())
    assert receive(room[0], room[1], body, Site(zone=ZoneInfo("Asia/Tokyo"))).code == "AA"
    assert get_order(room[0], "ORD-V2-1").authored_on == datetime(2026, 3, 2, hour, 10, tzinfo=UTC)


def test_without_any_offset_the_site_has_to_name_its_zone(room: Any) -> None:
    body = message(msh(f7="20260302081000"), pid(), orc(at="20260302081000"), obr(), nte())
    assert "time zone" in answered(room, body).says
    assert receive(room[0], room[1], body, Site(zone=ZoneInfo("Europe/Berlin"))).code == "AA"
    assert get_order(room[0], "ORD-V2-1").authored_on == datetime(2026, 3, 2, 7, 10, tzinfo=UTC)


def test_a_patients_number_is_no_orders_number_and_is_not_repeated(room: Any) -> None:
    number = "MRN-EXAMPLE-1"
    said = answered(room, message(msh(), pid(), orc(order=number), obr(number), nte())).says
    assert "the patient's own number (PID-3)" in said
    assert number not in said
    assert list_orders(room[0]) == []


def test_of_several_orders_all_are_taken_or_none(room: Any) -> None:
    good = message(msh(), pid(), orc("NW", "O-1"), obr("O-1"), nte(), orc("NW", "O-2"), obr("O-2"), nte())
    bad = good.replace(b"O-2^MOSAIQ||77331", b"O-2^MOSAIQ||77300")
    assert answered(room, bad).says.startswith("Order 2: ")
    assert list_orders(room[0]) == []
    assert answered(room, good).code == "AA"
    assert [each.id for each in list_orders(room[0])] == ["O-1", "O-2"]
    many = message(msh(control_id="M-9"), pid(), *(orc("CA", f"X-{n}") for n in range(25)))
    assert "at most 20" in answered(room, many).says


@pytest.mark.parametrize(
    ("named", "codec"), [("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("8859/2~ASCII", "iso8859-2")]
)
def test_the_character_set_is_the_messages_own(room: Any, named: str, codec: str) -> None:
    text = "Necessity: prostate, médian \\T\\ \\X43\\ \\F\\\\R\\\\S\\\\E\\ lobe. Result decides: whether"
    if codec == "iso8859-2":
        text = text.replace("médian", "dolní čelist")
    assert answered(room, message(msh(f18=named), pid(), orc(), obr(), nte(text), encoding=codec)).code == "AA"
    assert get_order(room[0], "ORD-V2-1").necessity.endswith("& C |~^\\ lobe.")
    refusal = answered(room, message(msh(f18="ISO IR87", control_id="M-2"), pid(), orc(), obr(), nte()))
    assert "'ISO IR87' (MSH-18) is not read" in refusal.says


@pytest.mark.parametrize("event", ["A40", "A34", "A36", "A18", "A47"])
def test_merged_patients_have_the_orders_of_both(room: Any, event: str) -> None:
    answered(room, order(number="O-1"))
    answered(room, order(number="O-2", control_id="M-2", number_of="MRN-EXAMPLE-2^^^HOSP^MR"))
    assert orders_of_patient(room[0], "O-1") == ["O-1"]
    assert answered(room, merged("MRN-EXAMPLE-2^^^HOSP^MR", "MRN-EXAMPLE-1^^^HOSP^MR", event=event)).code == "AA"
    assert orders_of_patient(room[0], "O-1") == ["O-1", "O-2"]
    answered(room, order(number="O-3", control_id="M-3"))  # still under the number that was retired
    assert orders_of_patient(room[0], "O-2") == ["O-1", "O-2", "O-3"]
    back = merged("MRN-EXAMPLE-1^^^HOSP^MR", "MRN-EXAMPLE-2^^^HOSP^MR", "A-2", event)
    assert answered(room, back).code == "AA", "they are one already: nothing to do, and no circle"
    assert orders_of_patient(room[0], "O-2") == ["O-1", "O-2", "O-3"]
    assert must_be_patient_of(room[0], room[1], "O-1", ["MRN-EXAMPLE-2", "1960-01-01"]) == [
        "record number",
        "birth date",
    ]
    assert verify_store(room[0]) == []


def test_a_merge_of_accounts_has_nothing_to_follow(room: Any) -> None:
    assert "nothing to follow" in answered(room, merged("1^^^H", "2^^^H", event="A35")).says


def test_a_number_renumbered_before_its_first_order_is_followed(room: Any) -> None:
    answered(room, merged("MRN-EXAMPLE-2^^^HOSP^MR", "MRN-EXAMPLE-1^^^HOSP^MR"))
    answered(room, order(number="O-1"))
    answered(room, order(number="O-2", control_id="M-2", number_of="MRN-EXAMPLE-2^^^HOSP^MR"))
    assert orders_of_patient(room[0], "O-1") == ["O-1", "O-2"]


def test_one_number_with_another_birth_date_is_refused(room: Any) -> None:
    answered(room, order())
    found = answered(room, order(number="O-2", control_id="M-2", born="19700101"))
    assert (found.code, "another date of birth" in found.says) == ("AE", True)
    assert [each.id for each in list_orders(room[0])] == ["ORD-V2-1"]


def test_a_refused_message_leaves_no_identity_behind(room: Any) -> None:
    answered(room, order())
    other = order(control_id="M-2").replace(b"EXAMPLE^ANNA", b"EXAMPLE^BERTA").replace(b"rescaled", b"reviewed")
    assert "is here with another content" in answered(room, other).says
    assert must_be_patient_of(room[0], room[1], "ORD-V2-1", ["1960-01-01", "Anna Example"])
    assert verify_identities(room[0], room[1]) == (1, [])


def test_an_order_that_was_cancelled_does_not_come_back(room: Any) -> None:
    answered(room, order())
    answered(room, order("CA", control_id="M-2"))
    again = answered(room, order(control_id="M-3"))
    assert (again.code, "was cancelled" in again.says) == ("AE", True)


def test_a_hostile_field_takes_no_time_and_no_message_is_longer_than_the_bound(room: Any) -> None:
    begun = time.process_time()
    message_of(message(msh(), nte("\\" * 200_000), nte("\\X" + "41" * 100_000 + "\\")))
    assert time.process_time() - begun < 1.0
    assert "at most" in receive(room[0], room[1], order() + b"NTE|1||" + b"x" * LARGEST, Site()).says


def test_a_file_holds_one_message_or_several_framed_or_not() -> None:
    one, two = order(), order(number="O-2", control_id="M-2")
    batch = b"FHS|^~\\&\rBHS|^~\\&\r" + one + two + b"BTS|2\rFTS|1\r"
    framed = b"\x0b" + one + b"\x1c\r\x0b" + two + b"\x1c\r"
    assert messages_of_file(batch) == messages_of_file(framed) == [one, two]
    assert messages_of_file(one.replace(b"\r", b"\r\n")) == [one]


def test_frames_come_in_any_pieces_and_what_lies_between_is_counted() -> None:
    stream = b"noise\x0bONE\x1c\r\x0bTWO\x1c\r\nmore\x0bcut off\x0bTHREE\x1c\r"
    for size in (1, 2, 3, 7, len(stream)):
        frames, found = Frames(100), []
        for begin in range(0, len(stream), size):
            found += frames.feed(stream[begin : begin + size])
        assert found == [b"ONE", b"TWO", b"THREE"]
        assert frames.garbage == len(b"noise" + b"more" + b"cut off")
        assert not frames.is_partial
    large = Frames(100)
    assert large.feed(b"\x0b" + b"x" * 50) == []
    assert not large.too_large
    assert large.feed(b"x" * 60) == []
    assert large.too_large
