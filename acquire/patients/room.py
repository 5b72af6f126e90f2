"""What whoever handles orders asks of the room where identities are kept; another room may stand in its place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from acquire.errors import Refused
from acquire.patients.identity import Identifier, Identity


class PatientsError(Refused):
    """Identities cannot be read or kept; measurements are not touched by it."""


class Patients(Protocol):
    """Identities by the patient ids of the store. Every method raises PatientsError where the room cannot be used."""

    def all_or_nothing(self) -> AbstractContextManager[None]:
        """What is kept inside is kept as a whole at its end, or not at all where an exception ends it."""

    def mark(self, body: bytes) -> str:
        """A keyed digest (hexadecimal) that names a content, and tells nothing of it to whoever has not this room."""

    def known(self, identifiers: Sequence[Identifier]) -> list[str]:
        """The patients that any of these identifiers is of, in the order in which they came."""

    def identity(self, patient: str) -> tuple[int, Identity] | None:
        """What is known of a patient, with the number of its version; None where nothing is."""

    def enter(self, patient: str, identity: Identity) -> tuple[int, str]:
        """Keep an identity as the patient's newest version, unless it is that already: its number and its mark."""

    def correct(self, patient: str, identity: Identity) -> tuple[int, str]:
        """As `enter`, and from now on the patient is found by the identifiers of this version alone."""

    def history(self, patient: str) -> list[tuple[int, Identity]]:
        """Every version of what was known of a patient, the oldest first."""

    def keep_original(self, name: str, body: bytes) -> str:
        """Keep the bytes of a file or message as they came; returns their mark."""

    def original(self, mark: str) -> tuple[str, bytes] | None:
        """(name, bytes) of what came under a mark."""

    def versions(self) -> dict[tuple[str, int], str]:
        """The mark of every version of every patient that is here."""
