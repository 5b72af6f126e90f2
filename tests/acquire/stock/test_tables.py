"""Tables of elements as spreadsheets save them: what is meant is read, what cannot be is a sentence with its place."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stocked import ECC_RANGE, NEXT_YEAR
from worked import READER

from acquire.errors import FileProblem, Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.stock import calibrating
from acquire.procedure.stock.batches import Batch, put_batch
from acquire.procedure.stock.elements import element_named, every_element
from acquire.procedure.stock.exporting import stock as exported
from acquire.procedure.stock.exporting import table_of
from acquire.procedure.stock.history import history
from acquire.procedure.stock.importing import import_table
from acquire.procedure.stock.issued import corrections, issued
from acquire.procedure.stock.table import read_table, with_apostrophe, without_apostrophe, written
from acquire.store.database import connect

HEADER = "element,batch,barcode,reader,read_as,ecc [1],u_ecc [%],accumulated_dose [Gy],readings [1]"
LINE = "T-{0:03},B-1,4711-{0:04},reader-1,T-{0:03},0.98,1.2,3.5,4"


def lines(*several: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join((header, *several, "")).encode()


def numbered(first: int, last: int) -> list[str]:
    return [LINE.format(n) for n in range(first, last + 1)]


@pytest.fixture
def empty(connection):
    """A store with a batch, and no element yet."""
    put_batch(connection, "MD-1", Batch("B-1", "tld", "LiF:Mg,Ti", "after-sensitivity"))
    return connection


def taken(connection, body, **more):
    given = {"certificate": "maker's table", "valid_until": NEXT_YEAR, "ecc_range": ECC_RANGE} | more
    return import_table(connection, body, "stock.csv", "MD-1", **given)


# --- what is read ---


@pytest.mark.parametrize(
    "body",
    [
        lines(*numbered(1, 3)),
        lines(*numbered(1, 3), end="\r\n"),
        b"\xef\xbb\xbf" + lines(*numbered(1, 3)),
        lines(*numbered(1, 3)).replace(b",", b";"),
        b"sep=;\r\n" + lines(*numbered(1, 3), end="\r\n").replace(b",", b";"),
        lines(*numbered(1, 3)).replace(b",", b"\t"),
        lines(*numbered(1, 3)).replace(b",", b";").replace(b"0.98", b"0,98").replace(b"3.5", b"3,5"),
        lines(*numbered(1, 3)).replace(b"0.98", b'"0,98"'),
        lines(*numbered(1, 3), "", ",,,,,,,,"),
        lines(*numbered(1, 3)).replace(b"ecc [1],u_ecc [%]", b"ECC [ 1 ], u_ecc [%] "),
        lines(*numbered(1, 3)).replace(b"[Gy]", b"[cGy]").replace(b"3.5", b"350"),
    ],
    ids=["plain", "CRLF", "BOM", "semicolons", "sep=", "tabs", "comma decimals", "quoted comma", "empty lines",
         "blanks", "cGy"],
)  # fmt: skip
def test_what_a_spreadsheet_saves_is_read(empty, body):
    done = taken(empty, body)
    assert (done.added, done.left_out) == (["T-001", "T-002", "T-003"], [])
    chip = history(empty, element_named(empty, "T-002"))
    assert (chip.accumulated_gy, chip.readings) == (3.5, 4)
    (name,) = done.calibrations
    assert issued(empty) == [], "corrections wait for a second person"
    with pytest.raises(Refused, match="another person must confirm it"):
        calibrating.confirm(empty, name, "MD-1")
    calibrating.confirm(empty, name, "MP-1")
    found = corrections(issued(empty), date.today())["T-002", READER]
    assert found.eccs["T-002"] == 0.98
    assert found.certificate.startswith(f"calibration {name} v1 (maker's table)")
    assert verify_store(empty) == []


def test_the_same_table_again_changes_nothing(empty):
    taken(empty, lines(*numbered(1, 3)))
    entries = empty.execute("SELECT count(*) FROM audit").fetchone()[0]
    done = taken(empty, lines(*numbered(1, 3)))
    assert (done.added, done.unchanged, done.calibrations) == ([], ["T-001", "T-002", "T-003"], [])
    assert empty.execute("SELECT count(*) FROM audit").fetchone()[0] == entries


# --- what is refused ---

BAD = [
    ("T-009,B-1,4711-0001,reader-1,T-009,1,1,0,0", "line 5, column barcode: 4711-0001 stands on line 2 already."),
    ("T-001,B-1,x,reader-1,y,1,1,0,0", "line 5, column element: T-001 stands on line 2 already."),
    ("T-009,B-1,x,reader-1,T-001,1,1,0,0", "line 5, column read_as: T-001 of reader-1 stands on line 2 already."),
    ("T-009,B-7,x,reader-1,T-009,1,1,0,0", "line 5, column batch: the store has no batch 'B-7'; it has B-1."),
    ("T-009,B-1,x,reader-1,T-009,0,1,0,0", "column ecc: 0 is no element correction; it is above 0 and below 100."),
    ("T-009,B-1,x,reader-1,T-009,-1,1,0,0", "column ecc: -1 is no element correction"),
    ("T-009,B-1,x,reader-1,T-009,NaN,1,0,0", "column ecc: 'NaN' is not one number"),
    ("T-009,B-1,x,reader-1,T-009,=1+1,1,0,0", "column ecc: '=1+1' is not one number"),
    ('T-009,B-1,x,reader-1,T-009,"1.234,5",1,0,0', "column ecc: '1.234,5' is not one number"),
    ("T-009,B-1,x,reader-1,T-009,0,98,1,0,0", "line 5: it has 10 cells, the first line has 9; a decimal comma splits"),
    ("T-009,B-1,x,reader-1,T-009,1,,0,0", "line 5: an ecc needs its u_ecc [%]"),
    ("T-009,B-1,x,reader-1,T-009,1,1,3000,0", "column accumulated_dose: 3000 is 3000 Gy, which lies outside 0 to 1000"),
    ("T-009,B-1,x,reader-1,T-009,1,1,0,1.5", "column readings: '1.5' is no whole number"),
    ("T-009,B-1,x,reader-1,T-009,1,1,0,9999999999999999999", "column readings: '99999999999999999"),
    ("T-009,B-1,,reader-1,T-009,1,1,0,0", "line 5, column barcode: it is empty."),
    ("T-009,B-1,4.711E+12,reader-1,T-009,1,1,0,0", "column barcode: '4.711E+12' looks like a number that a"),
    ("T 009,B-1,x,reader-1,T-009,1,1,0,0", "column element: 'T 009' is no name"),
    ("T-009,B-1,x,Reader 1,T-009,1,1,0,0", "column reader: 'Reader 1' is no instrument's name"),
    ("T-009,B-1,x\u202ey,reader-1,T-009,1,1,0,0", "column barcode: it holds U+202E RIGHT-TO-LEFT OVERRIDE"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "says"), BAD)
def test_a_bad_line_is_one_sentence_and_nothing_is_imported_unless_that_is_asked(empty, bad, says):
    body = lines(*numbered(1, 3), bad, *numbered(4, 4))
    with pytest.raises(FileProblem) as refused:
        taken(empty, body)
    sentence, end = refused.value.sentences
    assert sentence.startswith("stock.csv, line 5")
    assert says in sentence
    assert end == "Nothing of stock.csv was imported."
    assert every_element(empty) == []
    done = taken(empty, body, skip_bad=True)
    assert done.added == ["T-001", "T-002", "T-003", "T-004"]
    assert done.left_out == [sentence]


def test_every_bad_line_is_named(empty):
    body = lines(*numbered(1, 2), BAD[4][0], *numbered(3, 3), BAD[3][0].replace("T-009", "T-010").replace(",x,", ",z,"))
    with pytest.raises(FileProblem) as refused:
        taken(empty, body)
    assert [s.split(":")[0] for s in refused.value.sentences[:2]] == [
        "stock.csv, line 4, column ecc", "stock.csv, line 6, column batch",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (HEADER.replace("ecc [1],", "ecc,"), "line 1, column ecc: it has no unit; write ecc [1]."),
        (HEADER.replace("[Gy]", "[rad]"), "is in 'rad'; write accumulated_dose [Gy] or accumulated_dose [cGy]"),
        (HEADER.replace("[Gy]", "[]"), "column accumulated_dose: it is in ''; write"),
        (HEADER.replace("barcode,", ""), "column barcode is missing; the first line names the columns."),
        (HEADER.replace("barcode", "bar code"), "there is no column 'bar code'; there are element, batch, barcode"),
        (HEADER.replace("u_ecc [%]", "ecc [1]"), "column ecc stands twice."),
        ("", "column element, batch, barcode, reader, read_as is missing"),
    ],
)
def test_a_header_without_units_or_with_other_columns_is_refused(empty, header, says):
    with pytest.raises(FileProblem, match="line 1") as refused:
        taken(empty, lines(*numbered(1, 2), header=header))
    assert any(says in sentence for sentence in refused.value.sentences)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lines(*numbered(1, 2)).decode().encode("utf-16"), "stock.csv is UTF-16; save it as 'CSV UTF-8'."),
        (lines("T-1,B-1,Größe,reader-1,x,1,1,0,0").decode().encode("latin-1"), "line 2: no UTF-8 text"),
        (b"PK\x03\x04\0\0", "is no table of text: it holds a byte of zero"),
        (lines('T-1,B-1,"open,reader-1,x,1,1,0,0'), "a quote is not closed"),
        (lines(), "stock.csv has no line with an element"),
    ],
)
def test_what_is_no_such_table_is_refused(empty, body, says):
    with pytest.raises(FileProblem, match=says):
        taken(empty, body)


def test_corrections_need_their_certificate_and_its_end(empty):
    with pytest.raises(Refused, match=r"say whose they are \(--certificate\), until when"):
        taken(empty, lines(*numbered(1, 2)), certificate=None)
    with pytest.raises(Refused, match=r"and which you believe at all \(--ecc-range\)"):
        taken(empty, lines(*numbered(1, 2)), ecc_range=None)
    with pytest.raises(FileProblem) as refused:
        taken(empty, lines(*numbered(1, 2)), ecc_range=(1.1, 1.4))
    assert "line 2, column ecc: The correction of T-001 is 0.98, outside the 1.1 to 1.4" in refused.value.sentences[0]
    with pytest.raises(Refused, match="which has passed"):
        taken(empty, lines(*numbered(1, 2)), valid_until=date(2020, 1, 1))
    assert every_element(empty) == []


def test_what_the_store_has_otherwise_is_refused(stock):
    head = "element,batch,barcode,reader,read_as"
    cases = [
        ("T-001,B-1,4711-9999,reader-1,T-001", "T-001 is in the store otherwise (barcode 4711-0001)"),
        ("T-100,B-1,4711-0002,reader-1,T-100", "4711-0002 is that of T-002 in the store already"),
        ("T-100,B-1,4711-0100,reader-1,T-003", "reader-1 reads 'T-003' as T-003 already"),
    ]
    for line, says in cases:
        with pytest.raises(FileProblem) as refused:
            taken(stock.connection, lines(line, header=head))
        assert says in refused.value.sentences[0]


# --- what is written ---


def test_a_stock_that_is_exported_and_imported_elsewhere_is_the_same(stock, tmp_path):
    stock.corrected()
    body = b"".join(table_of(exported(stock.connection, "B-1")))
    other = connect(tmp_path / "other.db", create=True)
    put_batch(other, "MD-1", Batch("B-1", "tld", "LiF:Mg,Ti 3x3x0.9 mm", "after-sensitivity", 20.0))
    done = taken(other, body)
    calibrating.confirm(other, done.calibrations[0], "MP-1")
    one, two = (list(exported(each, None)) for each in (stock.connection, other))
    for was, now in zip(one, two, strict=True):
        for name in ("element", "batch", "barcode", "reader", "read_as", "element_index", "expires_on", "readings"):
            assert now[name] == was[name]
        for name in ("ecc", "u_ecc_percent", "accumulated_gy"):
            assert now[name] == pytest.approx(was[name], rel=1e-9)
    other.close()


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "'quoted", "\tx", "plain", "4711"])
def test_no_cell_of_an_export_is_a_formula(text):
    (_, line) = written(["barcode"], [[text]])
    (cell,) = next(csv.reader(io.StringIO(line.decode())))
    assert cell[:1] not in ("=", "+", "-", "@", "\t")
    assert without_apostrophe(cell) == text


def test_a_barcode_that_looks_like_a_formula_comes_back_as_it_was(empty):
    head = "element,batch,barcode,reader,read_as"
    taken(empty, lines("T-001,B-1,=1+1,reader-1,T-001", header=head))
    assert element_named(empty, "T-001").barcode == "=1+1"
    body = b"".join(table_of(exported(empty, None)))
    assert b",'=1+1," in body
    assert read_table(body, "again").rows[0].barcode == "=1+1"


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda b: HEADER.encode() + b"\n" + b)))
def test_whatever_bytes_come_there_is_a_table_or_a_sentence(body):
    said: list[str] = []
    try:
        said += [sentence for _, sentence in read_table(body, "any.csv").wrong]
    except FileProblem as refused:
        said += refused.sentences
    assert all(sentence.startswith("any.csv") and sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize("day", ["31.12.2027", "2027-13-45", "12/31/2027", "46387"])
def test_a_date_that_a_spreadsheet_wrote_is_refused_with_the_form_that_is_allowed(empty, day):
    head = "element,batch,barcode,reader,read_as,expires_on"
    with pytest.raises(FileProblem, match=f"line 2, column expires_on: '{day}' is no date; write it as 2027-12-31"):
        taken(empty, lines(f"T-1,B-1,1,reader-1,1,{day}", header=head))


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20))
def test_every_text_comes_back_from_its_cell(text):
    assert without_apostrophe(str(with_apostrophe(text))) == text


def test_five_hundred_elements_are_imported_and_exported_with_word_of_how_far(empty):
    told: list[tuple[int, int]] = []
    body = lines(*numbered(1, 500))
    done = taken(empty, body, progress=lambda n, of: told.append((n, of)))
    assert len(done.added) == 500
    assert told == [(n, 500) for n in range(50, 501, 50)]
    shown: list[tuple[int, int]] = []
    rows = list(table_of(exported(empty, "B-1", lambda n, of: shown.append((n, of)))))
    assert (len(rows), shown[-1]) == (501, (500, 500))
