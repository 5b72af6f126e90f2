"""Two people are two: a name in other letters, with other blanks, or left empty is no second person."""

from __future__ import annotations

import unicodedata

from acquire.errors import Refused


def same_person(one: str, other: str) -> bool:
    """Whether two names of roles may mean one person: case, blanks and forms of a letter make no other one.

    An empty name is nobody, and so never another person.
    """
    return _plain(one) == _plain(other) or not (_plain(one) and _plain(other))


def two_people(what: str, who: str, confirmed_by: str | None, reason: str | None) -> None:
    """Raises Refused unless there is a reason, one person who says it and another who confirms it."""
    if not (reason and reason.strip()) or confirmed_by is None or same_person(who, confirmed_by):
        raise Refused(f"{what} with a reason, by one person and confirmed by another.")


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
