"""A simulated instrument that speaks SCPI on its serial side: message in, at most one reply line out.

What a model understands is in its table; what it does meanwhile is its own. Wire rules after the 6517B and 6485
manuals; the bytes a serial server adds (XON before, NUL behind) after published reports of such servers.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulators.clock import Clock
from simulators.instrument import Clear, CommandInfo, Instrument, LineFramer, Reply, Request, Session
from simulators.scpi.messages import parse
from simulators.scpi.parameters import ScpiError
from simulators.scpi.status import Status
from simulators.scpi.table import Table

INPUT_QUEUE = 2048
TERMINATORS = {
    "crlf": b"\r\n", "lf": b"\n", "cr": b"\r", "lfcr": b"\n\r", "crnul": b"\r\0", "crnullf": b"\r\0\n",
}  # fmt: skip
PREFIXES = {"": b"", "xon": b"\x11", "xoff": b"\x13", "nul": b"\0"}
DEVICE_CLEAR = b"\x03\x18"


@dataclass(frozen=True)
class ScpiOptions:
    """Set-up of a SCPI instrument; None keeps what the model does by itself.

    ``terminator`` ends a reply (crlf, lf, cr, lfcr; crnul and crnullf as some serial servers send) and ``prefix``
    comes before it (xon, xoff, nul). ``no_error`` is the text of the empty error queue, ``serial`` the serial number,
    and ``leftover`` a message of the last user, executed at power-on.
    """

    terminator: str | None = None
    prefix: str = ""
    no_error: str | None = None
    serial: str | None = None
    leftover: str = ""

    def __post_init__(self) -> None:
        if self.terminator is not None and self.terminator not in TERMINATORS:
            raise ValueError(f"terminator {self.terminator!r} is not allowed; allowed are {', '.join(TERMINATORS)}")
        if self.prefix not in PREFIXES:
            allowed = ", ".join(filter(None, PREFIXES))
            raise ValueError(f"prefix {self.prefix!r} is not allowed; allowed are {allowed} or nothing")


class ScpiInstrument(Instrument):
    """One SCPI instrument behind its wire. ``literal`` replaces the next reading reply."""

    def __init__(self, clock: Clock, seed: int, options: ScpiOptions, *, terminator: str, no_error: str) -> None:
        super().__init__(clock, seed)
        self.terminator = TERMINATORS[options.terminator or terminator]
        self.prefix = PREFIXES[options.prefix]
        self.no_error = no_error if options.no_error is None else options.no_error
        self.leftover = options.leftover
        self.lock = asyncio.Lock()
        self.status = Status(self.no_error)
        self.settings: dict[str, object] = {}
        self.literal: str | None = None
        self.completion_asked = False

    @property
    @abstractmethod
    def table(self) -> Table:
        """What the instrument understands now."""

    @property
    @abstractmethod
    def idn(self) -> str:
        """The answer to ``*IDN?``."""

    @abstractmethod
    def reset(self) -> None:
        """What ``*RST`` does (IEEE 488.2)."""

    @abstractmethod
    def catch_up(self) -> None:
        """Let everything happen that is due by now."""

    @property
    @abstractmethod
    def operation_pending(self) -> bool:
        """Whether ``*OPC`` has to wait."""

    @abstractmethod
    async def operation_complete(self) -> None:
        """Return when no operation is pending any more."""

    def ask_completion(self) -> None:
        """``*OPC``: set bit 0 of the standard event register once no operation is pending."""
        self.completion_asked = True
        self.note_completion()

    def note_completion(self) -> None:
        """Set the bit that ``*OPC`` asked for if it is time."""
        if self.completion_asked and not self.operation_pending:
            self.status.esr |= 1
            self.completion_asked = False

    def open_session(self) -> Session:
        return ScpiSession(self)

    @property
    def status_byte(self) -> int:
        self.catch_up()
        return self.status.byte

    def query_error(self, code: int) -> None:
        self.status.error(code)

    def commands(self) -> Sequence[CommandInfo]:
        return self.table.commands()

    def is_identification(self, request: bytes) -> bool:
        return request.strip().upper() == b"*IDN?"

    async def execute(self, message: str) -> tuple[list[str], bool]:
        """The replies of one message, and whether one of them is a reading; an error ends the message and is queued."""
        outputs: list[str] = []
        measurement = False
        try:
            for command in parse(message):
                self.catch_up()
                self.note_completion()
                entry = self.table.find(command)
                output = await entry.run(*entry.checked(command.arguments))
                if output is not None:
                    outputs.append(output)
                    measurement |= entry.measurement and bool(output)
        except ScpiError as error:
            self.status.error(error.code)
        return outputs, measurement

    def execute_at_once(self, message: str) -> None:
        """Let another program say ``message`` here; raises ValueError when it would have to wait for a reading."""
        running = self.execute(message)
        try:
            running.send(None)
        except StopIteration:
            return
        running.close()
        raise ValueError(f"{message!r} waits for a reading; say something that is done at once.")

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "scpi": lambda value: self.execute_at_once(str(value)),
            "error": lambda value: self.status.entry(str(value)),
            "reply": lambda value: setattr(self, "literal", None if value is None else str(value)),
        }


class ScpiSession(Session):
    """One client on the serial line."""

    def __init__(self, instrument: ScpiInstrument) -> None:
        self._instrument = instrument
        self._framer = LineFramer(INPUT_QUEUE, DEVICE_CLEAR, instrument.prefix + b"DCL\r\n")

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        unit = self._instrument
        async with unit.lock:
            if len(request) > INPUT_QUEUE:
                unit.status.error(-363)
                return None
            outputs, measurement = await unit.execute(request.decode("latin-1"))
        if not outputs:
            return None
        text = ";".join(outputs)
        if measurement and unit.literal is not None:
            text, unit.literal = unit.literal, None
        return Reply(unit.prefix + text.encode("latin-1") + unit.terminator, measurement)
