"""Who a patient is, as orders and merges tell it: identifiers, each with who gives it out, and name and birth date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from acquire.canonical import canonical, parse

RECORD_NUMBER = "MR"  # HL7 table 0203


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number, or a reference, by which somebody knows the patient. `kind`: of HL7 table 0203 where it is told."""

    authority: str
    value: str
    kind: str = ""

    @property
    def key(self) -> bytes:
        """What two identifiers are compared by: who gives it out in any letters, and the value as it is."""
        return canonical([self.authority.strip().casefold(), self.value.strip()])


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything known of a patient. `birth_date`: ISO 8601, a day; empty texts where nothing was told."""

    identifiers: tuple[Identifier, ...] = ()
    name: str = ""
    birth_date: str = ""
    sex: str = ""

    def with_more(self, other: Identity) -> Identity:
        """This identity and what another message tells on top; what is newer counts where both say something."""
        known = {each.key: each for each in self.identifiers}
        known |= {each.key: each for each in other.identifiers if each.key not in known}
        return Identity(
            tuple(known.values()), other.name or self.name, other.birth_date or self.birth_date, other.sex or self.sex
        )

    def answers_to(self, said: str) -> str | None:
        """Which of its identifiers a person read aloud or scanned, in words; None where none is that."""
        plain = _plain(said)
        if not plain:
            return None
        for each in self.identifiers:
            if plain == _plain(each.value):
                return "record number" if each.kind == RECORD_NUMBER else "identifier"
        if self.birth_date and plain == _plain(self.birth_date):
            return "birth date"
        if self.name and _words(said) == _words(self.name):
            return "name"
        return None

    def kinds(self) -> list[str]:
        """In how many ways, and in which, this patient can be told from others by what is read from them."""
        numbers = {"record number" if each.kind == RECORD_NUMBER else "identifier" for each in self.identifiers}
        return [*sorted(numbers), *(["birth date"] if self.birth_date else []), *(["name"] if self.name else [])]

    def body(self) -> bytes:
        """As it is kept: canonical JSON."""
        return canonical(asdict(self))

    @classmethod
    def of_body(cls, body: bytes) -> Identity:
        """Inverse of `body`."""
        said: Mapping[str, Any] = parse(body)
        return cls(**{**said, "identifiers": tuple(Identifier(**each) for each in said["identifiers"])})


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _words(text: str) -> list[str]:
    """The words of a name in any order: "Doe, Jane" is "Jane Doe"."""
    return sorted("".join(c if c.isalnum() else " " for c in text.casefold()).split())
