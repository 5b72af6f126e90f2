"""The instrument side: protocols, transports, links and drivers. Knows nothing of the daemon or of the simulators."""

from drivers.driver import CommandSpec, Driver, DriverInfo, Identity, NoParameters, Settings, Verified, command
from drivers.errors import Garbled, InstrumentError, LinkDown, Misuse, Refused, ReplyTimeout, WrongInstrument
from drivers.reading import Also, Axis, Flag, Reading, raw_as_text, raw_from_text, to_jsonable
from drivers.transport.base import Transport

__all__ = [
    "Also",
    "Axis",
    "CommandSpec",
    "Driver",
    "DriverInfo",
    "Flag",
    "Garbled",
    "Identity",
    "InstrumentError",
    "LinkDown",
    "Misuse",
    "NoParameters",
    "Reading",
    "Refused",
    "ReplyTimeout",
    "Settings",
    "Transport",
    "Verified",
    "WrongInstrument",
    "command",
    "raw_as_text",
    "raw_from_text",
    "to_jsonable",
]
