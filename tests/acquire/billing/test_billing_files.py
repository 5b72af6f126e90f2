"""Tables as people save them: notices, quotes over lines, marks, separators; and files that are none."""

from __future__ import annotations

from datetime import date

import pytest

from acquire.billing.cms_files import excerpt, kind_of, mue_limits, pair_edits
from acquire.billing.payer_file import read_payer_table
from acquire.errors import FileProblem

NOTICE = (
    '"CPT codes are copyright of their owner.\nAll rights reserved, and applicable terms apply."\r\n'
    "Fee schedules, units and factors are no part of it.\r\n\r\n"
)
MUE = (
    NOTICE + 'HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,"MUE\nRationale"\r\n'
    "0001A,1,1 Line Edit,Nature of Service\r\n77300,10,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
    '77331,3,2 Date of Service Edit: Policy,"Clinical: ""Data"""\r\n77336,1,1 Line Edit,Code Descriptor\r\n'
)
PAIRS = (
    "Column1/Column 2 Edits\n"
    '"Column 1"\t"Column 2"\t"* = in existence\nprior to 1996"\t"Effective\nDate"\t"Deletion Date\n* = no data"\t'
    '"Modifier\n0=not allowed\n1=allowed\n9=not applicable"\t"PTP Edit Rationale"\n'
    "00100\t77331\t\t20200101\t*\t1\tx\n77331\t77300\t\t20210101\t*\t1\tMisuse\n77370\t77331\t\t20210101\t20260331\t0\ty\n"
)


def as_saved(text: str, how: str) -> bytes:
    if how == "semicolons":
        return text.replace(",", ";").encode()
    if how == "tabs":
        return text.replace(",", "\t").encode()
    return text.encode({"bom": "utf-8-sig", "utf-16": "utf-16", "windows": "cp1252", "plain": "utf-8"}[how])


@pytest.mark.parametrize("how", ["plain", "bom", "utf-16", "semicolons", "tabs", "windows"])
def test_the_public_file_is_read_however_it_was_saved(how):
    body = as_saved(MUE.replace("no part", "no part – ©") if how == "windows" else MUE, how)
    assert kind_of(body, "mue.csv") == "mue-practitioner"
    limits = mue_limits(body, "mue.csv", "mue-practitioner")
    assert set(limits) == {"77300", "77331", "77336"}
    (one,) = limits["77331"]
    assert (one.units, one.per, one.firm) == (3, "day", True)
    assert (limits["77336"][0].per, limits["77300"][0].firm) == ("line", False)


def test_the_hospitals_file_is_another_kind():
    body = MUE.replace("Practitioner Services", "Outpatient Hospital Services").encode()
    assert kind_of(body, "mue.csv") == "mue-hospital"


def test_pairs_are_kept_where_both_codes_are_ours_and_read_again_from_what_is_kept():
    edits = pair_edits(PAIRS.encode(), "pairs.txt")
    assert [(e.column_1, e.column_2, e.indicator) for e in edits] == [("77331", "77300", "1"), ("77370", "77331", "0")]
    assert edits[1].deleted == date(2026, 3, 31)
    assert pair_edits(excerpt(edits), "pairs.txt") == edits
    assert kind_of(PAIRS.encode(), "pairs.txt") == "pairs"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("77331,3,", "77331,three,"), "line 9: 77331 has the value 'three'"),
        (("77331,3,2 Date", "77331,3,4 Date"), "a whole number and 1, 2 or 3 are wanted"),
        (("77336,1,1", "77331,9,1"), "77331 stands twice, with another limit"),
        (("MUE Adjudication Indicator", "Indicator"), "has no heading with HCPCS/CPT Code"),
        (("773", "993"), "has no row of a radiation oncology code"),
    ],
)
def test_what_is_wrong_in_a_table_is_said_with_its_line(change, sentence):
    with pytest.raises(FileProblem, match=sentence):
        mue_limits(MUE.replace(*change).encode(), "mue.csv", "mue-practitioner")


@pytest.mark.parametrize(
    "body", [b"", b"PK\x03\x04 a workbook", b"\x00" * 4000, b"\xff\xfe\x00", b'"' * 5000, b"a\n" * 99]
)
def test_what_is_no_table_is_refused_in_a_sentence(body):
    with pytest.raises(FileProblem, match="table"):
        kind_of(body, "x.csv")


def test_a_day_that_is_none_is_named():
    with pytest.raises(FileProblem, match="'20211301' is no day as 20260101"):
        pair_edits(PAIRS.replace("20210101", "20211301", 1).encode(), "pairs.txt")


PAYER = b"""
schema = "payer-table/1"
payer = "Payer X"
valid_from = 2027-01-01
valid_until = 2027-12-31
apart = ["11"]
[[limit]]
code = "77331"
units = 6
per = "course"
firm = false
source = "policy 4, page 2"
"""


def test_a_payers_own_table():
    table = read_payer_table(PAYER, "x.toml")
    assert [(each.units, each.per) for each in table.limits["77331"]] == [(6, "course")]
    with pytest.raises(FileProblem, match="valid_until lies before valid_from"):
        read_payer_table(PAYER.replace(b"2027-12-31", b"2026-12-31"), "x.toml")
    with pytest.raises(FileProblem, match="limit"):
        read_payer_table(PAYER.replace(b'"77331"', b'"7733"'), "x.toml")
