"""Who is here: the people who have shown in this context who they are. Rows are made in nobody else's name.

A store without any account takes names as they are typed. From its first account on, `acquire.store.audit.keep` writes
only in the name of people who were let in (acquire.people), so a command that forgot to ask can write nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from acquire.errors import Refused

PROGRAM = "acquire"  # who, where no person did it
_here: ContextVar[frozenset[str]] = ContextVar("people who are here", default=frozenset())


@contextmanager
def here(*people: str) -> Iterator[None]:
    """These people are here, beside those who are: only for whoever has just seen that they are who they say."""
    before = _here.set(_here.get() | set(people))
    try:
        yield
    finally:
        _here.reset(before)


def has_accounts(connection: sqlite3.Connection) -> bool:
    """Whether the store knows who people are; there is no way back from that."""
    return connection.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def must_be_here(connection: sqlite3.Connection, people: Iterable[str]) -> None:
    """Raises Refused for a name in which nobody was let in, where the store has accounts."""
    missing = [each for each in dict.fromkeys(people) if each not in {PROGRAM, *_here.get()}]
    if missing and has_accounts(connection):
        raise Refused(
            f"{' and '.join(missing)} did not log in: this store takes nothing in a name that was only typed."
        )
