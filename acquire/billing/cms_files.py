"""The public files of CMS: medically unlikely edits (MUE), and procedure-to-procedure pairs. They state no days of
validity that a program could rely on, so the person who adds one says for which days of service it holds.

MUE: a notice of several lines, then code, value, adjudication indicator, rationale (additions.md). Pairs: two columns
of codes, effective and deletion date, modifier indicator 0, 1 or 9 (CMS and its contractors' public pages on NCCI).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from acquire.billing.separated import table
from acquire.billing.tables import Limit, PairEdit
from acquire.errors import FileProblem

OURS = re.compile(r"772[6-9][0-9]|77[3-7][0-9][0-9]")
"""The section of radiation oncology, 77261 to 77799; what a table says of other codes is of no use here."""
MUE = {"code": "HCPCS/CPT Code", "indicator": "MUE Adjudication Indicator", "why": "MUE Rationale"}
VALUES = {"mue-practitioner": "Practitioner Services MUE", "mue-hospital": "Outpatient Hospital Services MUE"}
PAIRS = {"one": "Column 1", "other": "Column 2", "from": "Effective", "until": "Deletion", "indicator": "Modifier"}
_INDICATOR = re.compile(r"\s*([123])\b")
_MOST_UNITS = 100_000


def mue_limits(body: bytes, name: str, kind: str) -> Mapping[str, tuple[Limit, ...]]:
    """Limits by code. Raises FileProblem for a file that is none, a value or an indicator that is none."""
    found: dict[str, tuple[Limit, ...]] = {}
    for line, row in table(body, name, {**MUE, "units": VALUES[kind]}):
        code = row["code"].upper()
        if not OURS.fullmatch(code):
            continue
        indicator = _INDICATOR.match(row["indicator"])
        if indicator is None or not row["units"].isdecimal() or int(row["units"]) > _MOST_UNITS:
            raise FileProblem(
                f"{name}: line {line}: {code} has the value '{row['units'][:20]}' with indicator"
                f" '{row['indicator'][:40]}'; a whole number and 1, 2 or 3 are wanted."
            )
        limit = Limit(int(row["units"]), "line" if indicator[1] == "1" else "day", indicator[1] == "2", _said(row))
        if code in found and found[code] != (limit,):
            raise FileProblem(f"{name}: line {line}: {code} stands twice, with another limit.")
        found[code] = (limit,)
    if not found:
        raise FileProblem(f"{name} has no row of a radiation oncology code.")
    return found


def pair_edits(body: bytes, name: str) -> tuple[PairEdit, ...]:
    """The pairs of which both codes are of radiation oncology. Raises FileProblem."""
    found = []
    for line, row in table(body, name, PAIRS):
        one, other = row["one"].upper(), row["other"].upper()
        if OURS.fullmatch(one) and OURS.fullmatch(other):
            if row["indicator"] not in ("0", "1", "9"):
                raise FileProblem(
                    f"{name}: line {line}: the modifier indicator '{row['indicator'][:20]}' is none of 0, 1, 9."
                )
            until = None if row["until"] in ("*", "") else _day(row["until"], name, line)
            found.append(PairEdit(one, other, row["indicator"], _day(row["from"], name, line), until))
    if not found:
        raise FileProblem(f"{name} has no pair of radiation oncology codes.")
    return tuple(found)


def _said(row: Mapping[str, str]) -> str:
    return f"indicator {row['indicator']}, {row['why'] or 'no rationale given'}"


def _day(text: str, name: str, line: int) -> date:
    """As 20260101, which is how these files write a day."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8].ljust(2, "x")))
    except ValueError as error:
        raise FileProblem(f"{name}: line {line}: '{text[:20]}' is no day as 20260101.") from error


def excerpt(edits: tuple[PairEdit, ...]) -> bytes:
    """The pairs in the form of the file, which `pair_edits` reads again: what is kept of a file of many megabytes."""
    lines = ["Column 1\tColumn 2\tEffective\tDeletion\tModifier"]
    for e in edits:
        until = f"{e.deleted:%Y%m%d}" if e.deleted else "*"
        lines.append(f"{e.column_1}\t{e.column_2}\t{e.effective:%Y%m%d}\t{until}\t{e.indicator}")
    return "\n".join([*lines, ""]).encode()


def kind_of(body: bytes, name: str) -> str:
    """Which of these files it is, by its heading. Raises FileProblem for one that is none."""
    top = body[:65536]
    for kind, values in VALUES.items():
        if _has(top, name, {**MUE, "units": values}):
            return kind
    if _has(top, name, PAIRS):
        return "pairs"
    raise FileProblem(
        f"{name} has the heading of no table that is known: MUE of practitioners or hospitals, code pairs (CMS), or a"
        " payer's table (TOML, payer-table/1)."
    )


def _has(top: bytes, name: str, wanted: dict[str, str]) -> bool:
    try:
        next(table(top, name, wanted), None)
    except FileProblem:
        return False
    return True
