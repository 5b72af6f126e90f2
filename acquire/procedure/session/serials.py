"""Which unit answered: the serial numbers that instruments told in a session, beside the inventory's word."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import OwnedInstrument
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.framing import NOT_TOLD, is_told
from acquire.procedure.session.session import Session

if TYPE_CHECKING:
    from acquire.bus.messages import State

NOT_ASKED = "nothing was measured with it"


@dataclass(frozen=True, slots=True)
class Serial:
    """`told`: every number that the instrument told when an attempt of the session began, in order; `asked`: whether
    one began at all. `inventory`: what people wrote."""

    instrument: str
    told: tuple[str, ...]
    asked: bool
    inventory: str

    @property
    def says(self) -> str:
        """What stands for the serial number in the record; the inventory's never stands for one that was not told."""
        return ", ".join(self.told) or (NOT_TOLD if self.asked else NOT_ASKED)


def serial_of(connection: sqlite3.Connection, session: Session, instrument: str) -> Serial:
    """The serial number of an instrument in a session."""
    began = [a.in_force for a in attempts(connection, session.id) if a.instrument == instrument and a.in_force]
    told = dict.fromkeys(each.serial for each in began if is_told(each.serial))
    return Serial(instrument, (*told,), bool(began), session.inventory.instrument_named(instrument).serial)


def exchanged(
    connection: sqlite3.Connection, session: Session, instrument: OwnedInstrument, state: State
) -> Iterator[Stop]:
    """Where an instrument that told its serial number in this session tells none now: the unit was exchanged."""
    told = serial_of(connection, session, instrument.id).told
    if told and not state.serial:
        yield Stop(
            "instrument-serial",
            f"{instrument.id} told the serial number {told[-1]} before in this session and tells none now: another"
            " instrument is connected.",
        )
