"""The record says everything, the same each time, without the patient; and what 77331 still lacks."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from scenario_a import CHIPS, StoreClient, closed, measured, prepared

from acquire.canonical import canonical
from acquire.printable import is_hidden
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.closing import close_session
from acquire.record import attached, build, html, results_of, seal, write_files
from acquire.store import anchors, audit
from acquire.store.database import connect, transaction


async def test_the_same_store_gives_the_same_record(connection, record):
    again = build(connection, record["id"])
    assert canonical(again) == canonical(record)
    assert record["sha256"] == seal(record)
    assert html(again) == html(record)
    assert json.loads(canonical(record)) == record


async def test_a_record_is_of_one_moment_whatever_is_written_meanwhile(connection, record, tmp_path):
    def somebody_writes(statement: str) -> None:
        if " FROM plan" in statement:
            connection.set_trace_callback(None)
            with closing(connect(tmp_path / "store.db")) as other, transaction(other):
                audit.append(other, "MP-1", "did", "something", [])

    connection.set_trace_callback(somebody_writes)
    assert canonical(build(connection, record["id"])) == canonical(record)
    after = build(connection, record["id"])
    assert after["integrity"]["audit_entries"] == record["integrity"]["audit_entries"] + 1


async def test_nothing_hidden_reaches_the_page_or_the_document(record, tmp_path):
    hostile = "\x1b[2J\u202eT-1\u200b\u2028\x00<b>"
    record["order"]["asks"] = record["order"]["requester"] = record["session"]["started_by"] = hostile
    record["points"][0]["detector"] = hostile
    for point in record["points"]:
        for curve in (point["evidence"] or {}).get("curves", ()):
            curve["title"] = curve["y"]["label"] = hostile
    written = write_files(record, tmp_path)
    for text in (html(record), *(Path(each).read_text() for each in written.values())):
        assert [hex(ord(c)) for c in text if c != "\n" and is_hidden(c)] == []
        assert "\\u202eT-1\\u200b\\u2028" in text
    assert "<b>" not in html(record)
    assert json.loads(Path(written["json"]).read_text())["order"]["asks"] == hostile


async def test_any_change_shows_in_the_seal(record):
    changed = json.loads(json.dumps(record))
    changed["points"][0]["result"]["dose_gy"] += 1e-15
    assert seal(changed) != record["sha256"]
    changed["points"][0]["result"]["dose_gy"] = record["points"][0]["result"]["dose_gy"]
    changed["signatures"] = [{"who": "MP-1"}]
    assert seal(changed) == record["sha256"]


async def test_what_is_missing_for_77331(record):
    *unsigned, limits = record["missing_for_77331"]
    assert unsigned == [
        "The physicist's review of the results is not signed.",
        "The radiation oncologist's interpretation is not written and signed.",
        "The order's physician (RO-1) has not signed the report.",
        "The decision on the plan (unchanged, adjusted, re-planned) is not written.",
        "People were not authenticated: this store has no accounts, and every name in it was typed.",
        "The professional part needs the physician's signature.",
    ]
    assert "no unit limit table of the payer holds on" in limits
    charge = record["charge"]
    assert (charge["code"], charge["modifier"], charge["units"], charge["ports"]) == (
        "77331",
        "26",
        3,
        ["B1", "B2", "B7"],
    )
    assert charge["volumes_of_interest"] == ["P4", "P5", "P6"]
    assert charge["status"] == "proposal, not submitted"
    assert not charge["ready"]


DOCUMENTS = "SELECT body FROM document"


async def test_the_patient_is_not_in_the_record(connection, record):
    stored = connection.execute("SELECT patient FROM orders").fetchone()[0]
    for text in (json.dumps(record), html(record), *(row[0].decode() for row in connection.execute(DOCUMENTS))):
        assert "example-a" not in text
        assert stored not in text


async def test_the_page_stands_alone(record):
    page = html(record)
    assert "<script" not in page
    assert "://" not in page
    beside = re.sub(r'src="data:image/(png|svg\+xml);base64,[A-Za-z0-9+/=]+"|href="#[A-Za-z0-9-]+"', "", page)
    assert not re.search(r"(src|href|@import|url)\s*[=(]", beside)
    ids, links = re.findall(r' id="([^"]+)"', page), re.findall(r'href="#([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)
    assert {"s2", "s3", "s9", "p-B1", "p-P6"} <= set(links)
    for words in (
        "DRAFT – not signed",
        "SIMULATED – not a patient",
        "Not a cleared medical device",
        "PASS, uncertainty band",
    ):
        assert words in page
    assert page.count('class="plot"') == 4
    pictures = re.findall(r"<img [^>]+>", page)
    assert len(pictures) == 4 + 3 + 1, "plots, rulers, a fit"
    assert all(re.search(r'alt="[^"]{20,}"', each) for each in pictures)


async def test_the_printed_numbers_are_on_the_page(record):
    text = re.sub(r"<[^>]+>", " ", html(record))
    for figure in (
        "47.3286",
        "3.04",
        "1.32",
        "47.3 ± 1.9 cGy",
        "3.04 ± 0.29 cGy",
        "+1.1",
        "−2.6",
        "0.985",
    ):
        assert figure in text


async def test_results_in_a_line_each(connection, record):
    lines = {line["point"]: line for line in results_of(record)}
    assert round(lines["B1"]["dose_gy"], 4) == 0.4733
    assert round(lines["B1"]["u_gy"], 4) == 0.0093
    assert (lines["B1"]["expected_gy"], lines["P4"]["expected_gy"]) == (0.468, None)
    assert lines["P4"]["detector"] == "T-014, T-016"
    assert attached(connection, record["id"]) == {
        "electrometer-1": 44,
        "electrometer-2": 26,
        "tld-reader-1": 11,
        "tld-reader-2": 1,
    }


async def test_files_say_draft(record, tmp_path):
    paths = write_files(record, tmp_path / "records")
    assert paths["json"].endswith("-DRAFT.json")
    assert json.loads((tmp_path / "records" / f"{record['id']}-DRAFT.json").read_text())["sha256"] == record["sha256"]


class Hostile(StoreClient):
    """An instrument whose reply is a piece of a page."""

    def charge(self, instrument, nc, flags):
        return super().charge(instrument, nc, flags) | {"raw": "</td><script>alert(1)</script>"}

    def flags(self, step_id):
        return ["overload"] if step_id == "b2" else []


async def test_an_invalid_point_shows_no_figure_and_replies_cannot_break_the_page(connection):
    session = await closed(connection, Hostile(connection))
    calculate_session(connection, session, "MP-1")
    record = build(connection, session)
    page = html(record)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    row = re.search(r'<tr><th scope="row"><a href="#p-B2">B2</a></th>.*?</tr>', page, re.DOTALL)[0]
    assert re.findall(r'<td class="n"[^>]*>(.*?)</td>', row) == ["—", "—", "51.5", "—", "—", "—"]
    assert "INVALID" in row
    assert "flagged overload" in page
    assert "No valid result at B2." in record["missing_for_77331"]
    assert record["charge"]["units"] == 2


async def test_a_record_can_be_made_at_any_time_and_says_what_it_is_not(connection):
    client = StoreClient(connection)
    session = prepared(connection)
    early = build(connection, session)
    assert early["points"][0]["result"] is None
    assert "NO RESULT" in html(early)
    await measured(connection, client, session)
    client.chips("tray.asc", {"71": 17_920, "99": 5, **{k: v for k, v in CHIPS.items() if k != "17"}})
    close_session(connection, session, "MP-1", over="disc comes tomorrow")
    calculate_session(connection, session, "MP-1")
    client.disc()
    record = build(connection, session)
    said = [f"{s['element']} {s['why']}" for s in record["attached_to_nothing"]]
    assert said == ["T-071 has no placement in this session", "99 (2) is not in the inventory"]
    page = html(record)
    for words in (
        "ASKS FOR AMENDMENT",
        "CLOSED OVER WHAT IS MISSING",
        "disc comes tomorrow",
        "T-017 of P5 has not been read",
    ):
        assert words in page


async def test_it_prints_an_anchor(connection, record):
    found = anchors.anchor(connection)
    integrity = record["integrity"]
    assert integrity["store"] == found.store
    assert (integrity["audit_entries"], integrity["audit_head"]) == found.audit
    assert (integrity["seals"], integrity["seal_head"]) == found.seal
    page = html(record)
    for each in (found.store, found.audit[1], found.seal[1]):
        assert each in page


@pytest.mark.parametrize(
    "key", ["order", "plan", "session", "equipment", "points", "events", "placements", "integrity"]
)
async def test_every_part_is_there(record, key):
    assert record[key]
