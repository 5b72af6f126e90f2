"""Elements as a CSV table: what a spreadsheet saves is read, what cannot be meant is one sentence with line and column.

Pure: bytes in, rows and sentences out. The first line names the columns, quantities with their unit in brackets. Cells
are separated by commas, semicolons (as Excel saves them where the decimal sign is a comma) or tabs. A cell that a
spreadsheet would take for a formula is written with an apostrophe before it, and read without it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from acquire.dosimetry.errors import DosimetryError
from acquire.dosimetry.number_text import parse_number
from acquire.errors import FileProblem
from acquire.printable import hidden_in, printable
from acquire.strict_numbers import whole

NEEDED = ("element", "batch", "barcode", "reader", "read_as")
PLAIN = (*NEEDED, "element_index", "expires_on")
UNITS: Mapping[str, Mapping[str, float]] = {  # by column, the units allowed and what brings each to the first
    "ecc": {"1": 1.0},
    "u_ecc": {"%": 1.0},
    "accumulated_dose": {"Gy": 1.0, "cGy": 0.01, "mGy": 0.001},
    "readings": {"1": 1.0},
}
TOLD = ("status", "emptied_at", "irradiated_at", "days_since_irradiation", "readings_since_emptied", "remaining_signal")
"""Columns that an export has besides, and that are not read: they follow from what happened."""

_HEADER = re.compile(r"\s*([A-Za-z_]+)\s*(?:\[\s*([^\]]*?)\s*\])?\s*")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHORTENED = re.compile(r"[0-9][.,][0-9]+E\+?[0-9]+")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class TableRow:
    """One element of a table, with the line it stands on. Dose in Gy, u_ecc in percent; None where a cell is empty."""

    line: int
    element: str
    batch: str
    barcode: str
    reader: str
    read_as: str
    element_index: int | None = None
    expires_on: date | None = None
    ecc: float | None = None
    u_ecc: float | None = None
    accumulated_dose: float | None = None
    readings: int | None = None


@dataclass(slots=True)
class Table:
    """What was read: the sound rows, and (line, sentence) for each line that is none."""

    name: str
    rows: list[TableRow] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, sentence: str, column: str | None = None) -> None:
        """Note what is wrong on a line."""
        where = f", column {column}" if column else ""
        self.wrong.append((line, f"{self.name}, line {line}{where}: {sentence}"))


def read_table(body: bytes, name: str) -> Table:
    """Read a table. Raises FileProblem where its header cannot be used; what is wrong with a line stands in `wrong`."""
    text = _text(body, name)
    first, _, rest = text.partition("\n")
    skipped = 1 if first.strip().casefold() in ("sep=;", "sep=,") else 0
    text = rest if skipped else text
    header_line = text.partition("\n")[0]
    delimiter = max(";,\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table = Table(name)
    try:
        columns = _columns(next(reader, []), name, 1 + skipped)
        for cells in reader:
            line = reader.line_num + skipped
            if len(table.rows) + len(table.wrong) >= MOST_ROWS:
                raise FileProblem(f"{name} has more than {MOST_ROWS} lines; import it in parts.")
            if any(cell.strip() for cell in cells):
                _row(table, line, columns, cells, delimiter)
    except csv.Error as error:
        raise FileProblem(f"{name}, line {reader.line_num + skipped}: {error}; a quote is not closed.") from error
    _once(table)
    return table


def _text(body: bytes, name: str) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileProblem(f"{name} is UTF-16; save it as 'CSV UTF-8'.")
    if b"\0" in body:
        raise FileProblem(f"{name} is no table of text: it holds a byte of zero.")
    try:
        return body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise FileProblem(f"{name}, line {line}: no UTF-8 text; save it as 'CSV UTF-8'.") from error


def _columns(cells: Sequence[str], name: str, line: int) -> list[tuple[str, float]]:
    """Name and scale of each column. Raises FileProblem with one sentence for each that cannot be used."""
    found, wrong = [], []
    for cell in cells:
        matched = _HEADER.fullmatch(cell)
        column, unit = (matched[1].casefold(), matched[2]) if matched else (cell.strip(), None)
        if column in UNITS and unit not in UNITS[column]:
            has = "has no unit" if unit is None else f"is in '{printable(unit)}'"
            allowed = " or ".join(f"{column} [{each}]" for each in UNITS[column])
            wrong.append(f"{name}, line {line}, column {column}: it {has}; write {allowed}.")
        elif column not in (*PLAIN, *UNITS, *TOLD):
            known = ", ".join((*PLAIN, *(f"{each} [{next(iter(UNITS[each]))}]" for each in UNITS)))
            wrong.append(f"{name}, line {line}: there is no column '{printable(column)}'; there are {known}.")
        found.append((column, UNITS.get(column, {}).get(unit or "", 1.0)))
    names = [column for column, _ in found]
    wrong += [
        f"{name}, line {line}: column {each} stands twice." for each in sorted({n for n in names if names.count(n) > 1})
    ]
    if missing := [each for each in NEEDED if each not in names]:
        wrong.append(f"{name}, line {line}: column {', '.join(missing)} is missing; the first line names the columns.")
    if wrong:
        raise FileProblem(*wrong)
    return found


def _row(table: Table, line: int, columns: Sequence[tuple[str, float]], cells: Sequence[str], delimiter: str) -> None:
    if len(cells) != len(columns):
        comma = "; a decimal comma splits a number where commas separate cells" if delimiter == "," else ""
        table.refuse(line, f"it has {len(cells)} cells, the first line has {len(columns)}{comma}.")
        return
    values: dict[str, Any] = {"line": line}
    before = len(table.wrong)
    for (column, scale), cell in zip(columns, cells, strict=True):
        if column in TOLD:
            continue
        text = without_apostrophe(cell.strip())
        try:
            values[column] = _cell(column, text, scale)
        except (ValueError, DosimetryError) as why:
            table.refuse(line, f"{str(why).rstrip('.')}.", column)
    if len(table.wrong) == before and (values.get("ecc") is None) != (values.get("u_ecc") is None):
        table.refuse(line, "an ecc needs its u_ecc [%], and there is none without the other.")
    if len(table.wrong) == before:
        table.rows.append(TableRow(**values))


def _cell(column: str, text: str, scale: float) -> Any:
    """The value of one cell. Raises ValueError or DosimetryError, a sentence."""
    if (hidden := hidden_in(text)) is not None:
        raise ValueError(f"it holds {hidden}, which nobody sees.")
    if not text:
        if column in NEEDED:
            raise ValueError("it is empty.")
        return None
    if column in PLAIN:
        return _plain(column, text)
    if column == "readings":
        return _count(text)
    value = parse_number(text) * scale
    if column == "ecc" and not 0 < value < 100:
        raise ValueError(f"{text} is no element correction; it is above 0 and below 100.")
    if column == "u_ecc" and not 0 <= value < 100:
        raise ValueError(f"{text} lies outside 0 to 100 %.")
    if column == "accumulated_dose" and not 0 <= value < 1000:
        raise ValueError(f"{text} is {value:g} Gy, which lies outside 0 to 1000 Gy.")
    return value


def _plain(column: str, text: str) -> Any:
    if column == "element_index":
        if text not in ("1", "2", "3", "4"):
            raise ValueError(f"'{text}' is no place on a card; allowed are 1 to 4.")
        return int(text)
    if column == "expires_on":
        return _day(text)
    if column in ("element", "batch") and not _ID.fullmatch(text):
        raise ValueError(f"'{text}' is no name; letters, digits, '.', '_' and '-', the first a letter or digit.")
    if column == "reader" and not _NAME.fullmatch(text):
        raise ValueError(f"'{text}' is no instrument's name; small letters, digits, '.', '_' and '-'.")
    if _SHORTENED.fullmatch(text):
        raise ValueError(f"'{text}' looks like a number that a spreadsheet shortened; format the column as text.")
    if len(text) > 64:
        raise ValueError("it has more than 64 characters.")
    return text


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"'{text}' is no date; write it as 2027-12-31.")


def _count(text: str) -> int:
    value = whole(text)
    if value < 0:
        raise ValueError(f"{text} is no number of readings.")
    return value


def _once(table: Table) -> None:
    """Each element, barcode and name at a reader stands once; the second line with it is named, the first stays."""
    seen: dict[tuple[object, ...], int] = {}
    sound = []
    for row in table.rows:
        keys: list[tuple[tuple[object, ...], str, str]] = [
            (("element", row.element), "element", row.element),
            (("barcode", row.barcode), "barcode", row.barcode),
            (("read_as", row.reader, row.read_as, row.element_index), "read_as", f"{row.read_as} of {row.reader}"),
        ]
        twice = next(((column, said, seen[key]) for key, column, said in keys if key in seen), None)
        if twice is not None:
            column, said, first = twice
            table.refuse(row.line, f"{said} stands on line {first} already.", column)
            continue
        seen |= {key: row.line for key, _, _ in keys}
        sound.append(row)
    table.rows = sound
    table.wrong.sort()


def written(columns: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> Iterator[bytes]:
    """A table as CSV, line by line: UTF-8, lines end as spreadsheets end them, None is an empty cell."""
    for row in (columns, *rows):
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow([with_apostrophe(cell) for cell in row])
        yield line.getvalue().encode()


def with_apostrophe(cell: object) -> object:
    """A text that a spreadsheet would calculate, as a text it shows (OWASP, CSV injection); numbers stay."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith((*FORMULA, "'")) else cell


def without_apostrophe(text: str) -> str:
    """What was written with an apostrophe before it."""
    return text[1:] if text[:1] == "'" and text[1:2] in (*FORMULA, "'") else text
