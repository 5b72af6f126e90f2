"""The record as PDF: the same bytes each time, PDF/A in its structure, tagged, with the JSON inside, on sound pages.

Judged by others: qpdf (through pikepdf) for the structure, Poppler for what is on the pages.
"""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from scenario_a import StoreClient, closed

from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session
from acquire.record import as_json, build
from acquire.record import pdf as making
from acquire.record.pdf import pdf
from acquire.store.database import connect


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], bytes]:
    """Worked case A: diodes, a chamber, chips, a disc with a glow curve and its fit."""
    connection = connect(tmp_path_factory.mktemp("pdf") / "store.db", create=True)
    session = asyncio.run(closed(connection, StoreClient(connection)))
    calculate_session(connection, session, "MP-1")
    record = build(connection, session)
    connection.close()
    return record, pdf(record)


@pytest.fixture(scope="module")
def pages(made: tuple[dict[str, Any], bytes]) -> list[str]:
    """What Poppler reads on each page."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=made[1], capture_output=True, check=True)
    return done.stdout.decode().split("\f")[:-1]


@pytest.mark.slow
def test_the_same_record_gives_the_same_bytes(made: tuple[dict[str, Any], bytes]) -> None:
    record, body = made
    assert pdf(record) == body


def test_it_is_a_sound_tagged_archive_file_with_the_record_inside(made: tuple[dict[str, Any], bytes]) -> None:
    record, body = made
    with pikepdf.open(io.BytesIO(body)) as file:
        assert file.check_pdf_syntax() == []
        root = file.Root
        assert (root.MarkInfo.Marked, root.Lang) == (True, "en")
        with file.open_metadata() as said:
            assert (said["pdfaid:part"], said["pdfaid:conformance"]) == ("3", "A")
            assert said["dc:title"] == f"DRAFT record {record['id']}, version 1"
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        (name, inside), *none = file.attachments.items()
        assert (name, none) == (f"{record['id']}-v1.json", [])
        assert inside.get_file().read_bytes() == as_json(record)
        assert inside.obj.AFRelationship == "/Source"
        assert bytes(file.trailer.ID[0]) == record["sha256"][:32].encode()
        assert {str(each.title) for each in file.open_outline().root} >= {"Prostate, plan A version 2, fraction 1"}
        tags = list(tagged(root.StructTreeRoot))
        figures = [each for each in tags if each.S == "/Figure"]
        assert len(figures) == 4 + 3 + 1
        assert all(len(str(each.Alt)) > 20 for each in figures)
        assert {"/H1", "/H2", "/H3", "/Table", "/TH", "/TD", "/Caption", "/Link"} <= {str(each.S) for each in tags}
        fonts = {str(font.BaseFont)[8:] for page in file.pages for font in page.Resources.Font.values()}
        assert all(name.startswith("DejaVu") for name in fonts), "fonts of the machine are none of ours"
        embedded = [f.DescendantFonts[0].FontDescriptor for p in file.pages for f in p.Resources.Font.values()]
        assert all("/FontFile2" in each or "/FontFile3" in each for each in embedded)


def tagged(element: Any) -> Any:
    """Every structure element below one."""
    below = element.get("/K", [])
    for each in below if isinstance(below, pikepdf.Array) else [below]:
        if isinstance(each, pikepdf.Dictionary) and "/S" in each:
            yield each
            yield from tagged(each)


def test_every_page_says_whose_it_is_and_that_it_is_a_draft(
    made: tuple[dict[str, Any], bytes], pages: list[str]
) -> None:
    record, _ = made
    for n, page in enumerate(pages, start=1):
        assert page.lstrip().startswith("DRAFT, NOT SIGNED · SIMULATED, NOT A PATIENT · PEOPLE NOT AUTHENTICATED")
        foot = " ".join(page.split("\n")[-4:])
        for words in (f"Record {record['id']} · version 1 · SHA-256 {record['sha256'][:16]} · times in UTC",
                      f"page {n} of {len(pages)}", "Not a cleared medical device."):  # fmt: skip
            assert words in foot


def test_pages_break_where_a_person_would(pages: list[str]) -> None:
    """No page of a few lines but the last; no heading as the last line; a point that fits a page stands on one."""
    for page in pages[:-1]:
        lines = [line for line in page.split("\n") if line.strip()]
        assert len(lines) > 12
    headings = re.compile(
        r"^(Point \w+:|Order and plan|Equipment and conditions|Calculation|Factors and|Integrity|Code 77331,)"
    )
    for page in pages:
        lines = [line.strip() for line in page.split("\n") if line.strip()]
        assert not headings.match(lines[-3]), lines[-4:]
    for point in ("B1", "B2", "P4", "P5"):
        (own,) = [page for page in pages if re.search(rf"^ *Point {point}:", page, re.MULTILINE)]
        assert "combined" in own
        assert "In the JSON record that is attached" in own


def test_the_contents_name_the_pages(pages: list[str]) -> None:
    for name, heading in (("Order and plan", "Order and plan"), ("B2", "Point B2:"), ("Integrity", "Integrity")):
        (at,) = [n for n, p in enumerate(pages, start=1) if re.search(rf"^ *{heading}", p, re.MULTILINE)]
        assert re.search(rf"{name}\s+{at}\b", pages[0])


def test_there_are_places_for_what_people_put_on_paper(pages: list[str]) -> None:
    front = " ".join(" ".join(pages[:2]).split())
    for words in ("Institution and department", "Patient label, two identifiers compared", "☐ unchanged",
                  "The physician's interpretation", "not signed; name, date, signature"):  # fmt: skip
        assert words in front


def test_without_pango_it_says_what_is_missing(
    made: tuple[dict[str, Any], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(Refused, match=r"A PDF needs the library Pango, which is not installed here: 'apt-get install"):
        making.pdf(made[0])


def test_the_fonts_come_with_the_program() -> None:
    import matplotlib as mpl  # noqa: PLC0415

    for _, file, _, _ in making.FACES:
        assert (Path(mpl.get_data_path()) / "fonts/ttf" / file).is_file()
