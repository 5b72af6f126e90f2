"""How entries lie in a spool: in the order in which they came or, in a file of before, by their key.

docs/adr/0051-entries-in-order-of-arrival.md. Kinds of pages: sqlite.org, "File Format", 1.6.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from acquire.spool import file

PAGE = 4096
INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
IN_ORDER, BY_KEY = "in order", "by key"
LAYOUTS = (IN_ORDER, BY_KEY)


def by_key(sql: str) -> str:
    """Schema 1 as it was released."""
    before, entry, after = sql.partition("CREATE TABLE entry (")
    columns, end, rest = after.partition(") STRICT;")
    assert entry
    assert end
    return f"{before}{entry}{columns}) STRICT, WITHOUT ROWID;{rest}"


def lay(path: Path, layout: str) -> None:
    """What a spool of this layout begins with; nothing for the one that this program makes by itself."""
    if layout == BY_KEY:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            db.executescript(by_key(file._sql(1)))
            db.execute("INSERT INTO meta (source) VALUES (?)", (str(uuid4()),))


def leaves(content: bytes, layout: str) -> list[int]:
    """Offsets of the pages with entries at the ends of their tree."""
    kind = LEAF_INDEX if layout == BY_KEY else LEAF_TABLE
    return [at for at in range(0, len(content), PAGE) if content[at] == kind and _has_entries(content, at)]


def inner(content: bytes, layout: str) -> list[int]:
    """Offsets of the pages by which entries are found: those of their tree, which hold some of them where it is sorted
    by their key, and where it is not, all of the index of the key, which hold none."""
    starts = range(0, len(content), PAGE)
    if layout == BY_KEY:
        return [at for at in starts if content[at] == INNER_INDEX and _has_entries(content, at)]
    return [at for at in starts if content[at] in (INNER_TABLE, INNER_INDEX, LEAF_INDEX) and cells(content, at) > 50]


def cells(content: bytes, at: int) -> int:
    """How many rows, or ways to further pages, lie on a page."""
    return int.from_bytes(content[at + 3 : at + 5], "big")


def _has_entries(content: bytes, at: int) -> bool:
    return content[at : at + PAGE].count(b'"value"') > 1
