"""What damaged inputs have found, each as small as it can be: it must stay mended."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from acquire.bus.messages import ReadingEntry
from acquire.bus.sparkplug import _metrics
from acquire.dosimetry import DosimetryError
from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.order import read_order
from acquire.procedure.methods import spectrum
from acquire.store.database import connect
from acquire.store.ingest import ingest
from acquire.terminal.messages import body_of, readable
from acquire.tomlfile import line_numbers, read
from drivers import Garbled
from drivers.files.records import flaw
from drivers.files.winrems import MOST_REJECTED, WINREMS
from drivers.files.xsyg import XSYG
from drivers.files.xsyg_xml import DEEPEST
from drivers.ieee488 import parse_error
from drivers.keithley import scpi
from drivers.keithley.words_6517 import parse_reading, require_elements
from drivers.reading import Sample
from fuzz import seeds
from fuzz.targets import COLUMNS, SPE

NOW = datetime(2026, 11, 28, tzinfo=UTC)
(ORDER,) = seeds.orders()


# --- TOML ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"a = " + b"[" * 20_000, "brackets stand too deep in brackets"),
        (b"a = " + b"{a = " * 5000, "not TOML"),
        (b"a." * 20_000 + b"b = 1", "line 1: a name of more than 32 parts with dots between them"),
        (b"x = 1\n[" + b"a." * 20_000 + b"b]", "line 2: a name of more than 32 parts"),
        (b"a = " + b"9" * 5000, "not TOML: Exceeds the limit"),
        (b"a = 2026-02-31", "not TOML"),
    ],
)
def test_a_document_that_is_nested_or_long_beyond_reason_is_refused(body: bytes, says: str) -> None:
    begun = time.process_time()
    with pytest.raises(FileProblem, match=says):
        read(body, "x.toml", Inventory)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize("text", [" " * 50_000 + "x", "[" + " " * 50_000, "[" + "a " * 25_000, "." * 50_000])
def test_finding_the_line_of_a_key_takes_no_time_to_speak_of(text: str) -> None:
    begun = time.process_time()
    line_numbers(text)
    assert time.process_time() - begun < 1.0


def test_dots_in_a_text_are_no_name() -> None:
    assert line_numbers('a = "1.2"') == {("a",): 1}
    with pytest.raises(FileProblem, match="there is no such key"):
        read(b'a = "' + b"x. " * 100 + b'"', "x.toml", Inventory)


# --- orders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        ORDER.replace(b'"PractitionerRole"', b'"Practition{erRole"'),
        ORDER.replace(b'"PractitionerRole"', b'"Patient/x"'),
        b'{"resourceType": "ServiceRequest", "contained": [' + b'{"contained": [' * 3000, b"[" * 20_000, b"9" * 5000,
        b"\xff", b"", b"null", ORDER.replace(b'"active"', b'"\\ud800"'),
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(FileProblem) as caught:
        read_order(body, "order.json", NOW)
    assert str(caught.value).startswith("order.json: ")


def test_the_need_in_a_long_note_is_found_at_once() -> None:
    order = json.loads(ORDER)
    need = "Necessity: pacemaker, 4 cm from the field\n" + "in vivo dose\n" * 20_000
    order["note"] = [{"text": need + " " * 200_000 + "Result decides: whether"}]
    begun = time.process_time()
    found = read_order(json.dumps(order).encode(), "order.json", NOW)
    assert time.process_time() - begun < 2.0
    assert found.necessity.startswith("pacemaker, 4 cm from the field\nin vivo dose")
    assert found.necessity.endswith("in vivo dose")
    assert found.effect == "whether"


# --- spectra ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [b"9" * 400, b"9" * 5000, "\u0661".encode(), b"1_0", b"-1", b"+1", b"1.0"])
def test_a_count_is_digits_and_no_more_than_can_be_counted(count: bytes) -> None:
    with pytest.raises(DosimetryError, match="is no count"):
        spectrum.read(SPE, seeds.SPE.replace(b"      12", count))


@pytest.mark.parametrize("body", [b"1 1e999\n", b"1 nan\n", b"1e308 1\n1e309 1\n", b"1 1_0\n", "1 \u0661\n".encode()])
def test_columns_are_finite_numbers(body: bytes) -> None:
    with pytest.raises((DosimetryError, Refused)), np.errstate(all="raise"):
        spectrum.read(COLUMNS, body)


# --- the bus ------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "store.db", create=True)
    connection.execute("PRAGMA synchronous=OFF")
    yield connection
    connection.close()


def given(store: sqlite3.Connection, *entries: bytes) -> list[tuple[str, str, str | None]]:
    """What became of entries: (kind, status, reason)."""
    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
    envelope = (
        f'{{"schema":"readings/1","stream":"{ids[0]}","first_seq":1,"source":"{ids[1]}","head":{len(entries)},"oldest":1,'
        f'"ended":null,"ask":"{ids[2]}","epoch":null,"older":0,"readings":['
    )
    payload = envelope.encode() + b",".join(entries) + b"]}"
    done = ingest(store, "clinic", [("dosimetry/v1/clinic/electrometer-1/readings", payload)])
    assert [answer.through for answer in done.answers] == [len(entries)]
    return [tuple(row) for row in store.execute("SELECT kind, status, reason FROM entry ORDER BY seq")]


def reading(**more: object) -> dict[str, object]:
    return {
        "kind": "scalar", "quantity": "charge", "unit": "C", "value": 1e-9, "monotonic_s": 1.0, "raw": "x",
        "time": "2026-11-24T14:36:55.100000Z",
    } | more  # fmt: skip


def written(**more: object) -> bytes:
    return json.dumps(reading(**more), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_bytes_that_are_no_text_under_an_unknown_key_are_refused_by_themselves(store: sqlite3.Connection) -> None:
    broken = written()[:-1] + b',"z":"\xf4 "}'
    assert [row[:2] for row in given(store, written(), broken, written(value=2.0))] == [
        ("scalar", "stored"), ("invalid", "refused"), ("scalar", "stored"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"time": "yesterday"}, "time: 'yesterday' is not a moment"), ({"time": "2026-11-24"}, "time: "),
        ({"time": "2026-02-31T14:36:55.100000Z"}, ("time: day is out of range", "time: day 31 must be in range 1..28")),
        ({"time": "2026-W48-6T14:36:55.100000Z"}, "time: "), ({"time": "2026-11-24T14:36:55.100000"}, "time: "),
        ({"time": "0001-11-24T14:36:55.100000Z"}, "time: the year 1 is not between"),
        ({"clock": "11/24/26"}, "clock: '11/24/26' is not a time"), ({"clock": "\u0662026-06-01T09:02:15"}, "clock: "),
        ({"element": "T-\u202e014"}, "element: it holds U+202E RIGHT-TO-LEFT OVERRIDE, which nobody sees"),
        ({"element": "T-014\u200b"}, "element: it holds U+200B ZERO WIDTH SPACE"),
        ({"channel": "A\x1b[2J"}, "channel: "),
    ],
)  # fmt: skip
def test_a_reading_whose_time_or_id_misleads_is_kept_and_refused(
    store: sqlite3.Connection, wrong: dict[str, object], says: str | tuple[str, ...]
) -> None:
    """Of several beginnings the later are newer Pythons'."""
    (good, bad) = given(store, written(element="T-014", clock="2026-06-01T09:02:15"), written(**wrong))
    assert good == ("scalar", "stored", None)
    assert bad[:2] == ("invalid", "refused")
    assert str(bad[2]).startswith(says)
    (body,) = store.execute("SELECT body FROM entry WHERE seq = 2").fetchone()
    assert bytes(body) == written(**wrong)


def test_a_marker_whose_session_nobody_sees_whole_is_refused(store: sqlite3.Connection) -> None:
    marker = {
        "kind": "marker", "mark": "begin", "measurement": "8d0f6a0e-6f0a-4f53-9e8f-2b8a2a3a1c11", "step": "b1",
        "session": "s-1\u2066", "time": "2026-11-24T14:36:55.100000Z",
    }  # fmt: skip
    (row,) = given(store, json.dumps(marker).encode())
    assert row == ("invalid", "refused", "session: it holds U+2066 LEFT-TO-RIGHT ISOLATE, which nobody sees")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN"])
def test_what_would_be_no_json_again_is_shown_as_unreadable(number: str) -> None:
    body = body_of(f'{{"schema":"state/1","emitted":{number}}}'.encode())
    assert list(body) == ["unreadable"]


def test_a_dose_of_many_digits_can_be_shown() -> None:
    detail = {"point": "B1", "version": 1, "decision": "PASS", "dose_gy": 10**400}
    body = {"schema": "event/1", "event": "result", "detail": detail}
    assert readable("dosimetry/v1/x/sessions/s/events", body, datetime.now(UTC))


def test_a_reading_without_a_moment_is_no_metric() -> None:
    assert list(_metrics(ReadingEntry.model_validate(reading(time="yesterday")))) == []
    assert len(list(_metrics(ReadingEntry.model_validate(reading())))) == 2


# --- instruments --------------------------------------------------------------------------------------------------


def test_a_reading_number_of_five_thousand_digits_is_garbled() -> None:
    line = b"-000.0045E-09NCOUL,+0000640.971549secs,+06330" + b"9" * 5000 + b"RDNG#"
    with pytest.raises(Garbled):
        require_elements(parse_reading(line), line)


@pytest.mark.parametrize("answer", ["9" * 50_000, "9" * 25_000 + "." + "9" * 25_000, " " * 50_000, '"' * 50_000])
def test_an_answer_of_many_digits_takes_no_time_and_is_no_number(answer: str) -> None:
    begun = time.process_time()
    assert isinstance(scpi.in_force(answer), str)
    assert not scpi.Setting(":X", 2.0).agrees(answer)
    with pytest.raises(Garbled):
        parse_error(answer.encode())
    assert time.process_time() - begun < 1.0


# --- files of readers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("f12", "2026105"), ("f12", "20260231"), ("f12", "00010101"), ("f12", "\u0662\u0660260601"), ("f13", "1_000"),
        ("f22", "6_412_00"), ("f22", "-80955"), ("f22", "+80955"), ("f22", "\u0661\u0662"), ("f22", "8.0955"),
        ("f22", "9" * 5000), ("f22", "\u00b2"), ("f20", "1_0.000E+0"), ("f21", "nan"), ("f14", "50\u202e1"),
        ("f14", "501\u200b"), ("f14", "501\x1b[2J"),
    ],
)  # fmt: skip
def test_a_winrems_number_in_another_form_is_none(field: str, text: str) -> None:
    fields = {field: text}
    card, response = fields.pop("f14", "501"), fields.pop("f22", "80955")
    found = WINREMS.parse("a.ASC", (seeds._winrems_line(card, response, **fields) + "\r\n").encode(), None)
    assert (found.samples, len(found.rejected)) == ([], 1)
    assert found.rejected[0].reason.isprintable()


def test_a_file_full_of_something_else_gives_no_reading_for_each_of_its_lines() -> None:
    good = seeds._winrems_line("501", "80955").encode() + b"\r\n"
    data = good + b"x\r\n" * (MOST_REJECTED + 500) + good
    found = WINREMS.parse("a.ASC", data, None)
    assert (len(found.samples), len(found.rejected)) == (2, MOST_REJECTED + 1)
    last = found.rejected[-1]
    assert last.piece.raw == data[len(good) + 3 * MOST_REJECTED :]
    assert "from here on nothing is read" in last.reason


def test_elements_in_elements_without_end_are_refused_early() -> None:
    begun = time.process_time()
    found = XSYG.parse("a.xsyg", b"<Sample>" + b"<a>" * 2_000_000, XSYG.options())
    assert time.process_time() - begun < 2.0
    assert f"more than {DEEPEST} deep" in found.rejected[0].reason


@pytest.mark.parametrize("bomb", ["<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"])
def test_an_entity_is_never_declared(bomb: str) -> None:
    data = seeds.xsyg()[0].replace(b"<Sample ", bomb.encode() + b"<Sample ")
    found = XSYG.parse("a.xsyg", data, XSYG.options())
    assert found.samples == []
    assert "document type or XML entities" in found.rejected[0].reason


@pytest.mark.parametrize(("name", "hidden"), [("element", "\u202e"), ("channel", "\u200b"), ("element", "\u2028")])
def test_a_reader_names_nothing_with_characters_that_nobody_sees(name: str, hidden: str) -> None:
    sample = Sample(quantity="counts", unit="{counts}", value=1.0, **{name: f"T-1{hidden}"})
    why = flaw(sample)
    assert why is not None
    assert why[0].startswith(f"its {name} holds U+")
    assert flaw(Sample(quantity="counts", unit="{counts}", value=1.0, **{name: "T-1 Ä"})) is None
