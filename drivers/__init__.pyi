"""The instrument side: grammars, transports, drivers and their engine. Knows nothing of daemon or simulators."""

from drivers.commands import CommandSpec, Done, command
from drivers.connecting import connect
from drivers.driver import Driver, Listener, WireSettings
from drivers.errors import (
    Declined,
    DriverFault,
    Garbled,
    InstrumentError,
    LinkDown,
    Misuse,
    ReplyTimeout,
    WrongInstrument,
)
from drivers.instrument import Identity, Instrument, Outcome
from drivers.model import LEVELS, Framing, Model, Quantity, Verified
from drivers.reading import Also, Axis, Flag, Reading, Sample
from drivers.replies import Block, Checked, Exactly, Line, Lines, Reply, Until
from drivers.settings import NoParameters, Settings
from drivers.trace import Crossing
from drivers.transport.base import Transport
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

__all__ = [
    "LEVELS",
    "Also",
    "Axis",
    "Block",
    "Checked",
    "CommandSpec",
    "Crossing",
    "Declined",
    "Done",
    "Driver",
    "DriverFault",
    "Exactly",
    "Flag",
    "Framing",
    "Garbled",
    "Identity",
    "Instrument",
    "InstrumentError",
    "Line",
    "Lines",
    "LinkDown",
    "Listener",
    "Misuse",
    "Model",
    "NoParameters",
    "Outcome",
    "Quantity",
    "Reading",
    "Reply",
    "ReplyTimeout",
    "Sample",
    "SerialSettings",
    "Settings",
    "Transport",
    "Until",
    "Verified",
    "WireSettings",
    "WrongInstrument",
    "command",
    "connect",
    "open_transport",
]
