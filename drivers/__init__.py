"""The instrument side: grammars, transports, drivers and their engine. Knows nothing of daemon or simulators.

A name is imported from its file when somebody asks for it: whoever needs an error waits for no engine. Types are told
by the file `__init__.pyi` beside this one, which a test holds against it.
"""

from importlib import import_module
from typing import Any

_NAMES = {
    "drivers.commands": "CommandSpec Done command",
    "drivers.connecting": "connect",
    "drivers.driver": "Driver Listener WireSettings",
    "drivers.errors": "Declined DriverFault Garbled InstrumentError LinkDown Misuse ReplyTimeout WrongInstrument",
    "drivers.instrument": "Identity Instrument Outcome",
    "drivers.model": "LEVELS Framing Model Quantity Verified",
    "drivers.reading": "Also Axis Flag Reading Sample",
    "drivers.replies": "Block Checked Exactly Line Lines Reply Until",
    "drivers.settings": "NoParameters Settings",
    "drivers.trace": "Crossing",
    "drivers.transport.base": "Transport",
    "drivers.transport.resource": "open_transport",
    "drivers.transport.serial_settings": "SerialSettings",
}
_HOME = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'drivers' has no attribute '{name}'")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found
