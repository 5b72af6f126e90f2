"""Status registers, event summary and error queue of a SCPI instrument (IEEE 488.2 chapter 11; 6517B reference
manual, status structure; the error numbers of 2400-class units from the 6430 manual).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

QUEUE_DEPTH = 10
EVERY_BIT = 0x7FFF
UNSIGNED = 350  # the 6517 manual prints this number without its sign

ERROR_TEXT = {
    -101: "Invalid character",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -141: "Invalid character data",
    -151: "Invalid string data",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -363: "Input buffer overrun",
    -350: "Queue overflow",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    313: "Buffer & format element mismatch",
    350: "Queue Overflow",
    802: "OUTPUT blocked by interlock",
    803: "Not permitted with OUTPUT off",
}


@dataclass
class Register:
    """Condition, event, enable and the two transition filters of one register."""

    condition: int = 0
    event: int = 0
    enable: int = 0
    positive: int = EVERY_BIT
    negative: int = 0

    def hold(self, bits: int, on: bool) -> None:
        """Set or clear condition bits; transitions that pass the filters latch events."""
        before = self.condition
        self.condition = before | bits if on else before & ~bits
        self.event |= (self.condition & ~before & self.positive) | (before & ~self.condition & self.negative)

    def pulse(self, bits: int) -> None:
        """A condition that rises and falls at once."""
        self.hold(bits, True)
        self.hold(bits, False)

    def take(self) -> int:
        """The event register, which reading clears."""
        event, self.event = self.event, 0
        return event

    def preset(self) -> None:
        """What ``:STATus:PRESet`` does to a register."""
        self.enable, self.positive, self.negative = 0, EVERY_BIT, 0

    @property
    def summary(self) -> bool:
        """Whether an enabled event has happened."""
        return bool(self.event & self.enable)


@dataclass
class Status:
    """All registers of the instrument. ``esr`` starts with bit 7, power on; ``overflow`` is the number a full queue
    ends with.
    """

    no_error: str = "No error"
    overflow: int = -350
    esr: int = 0x80
    ese: int = 0
    sre: int = 0
    measurement: Register = field(default_factory=Register)
    questionable: Register = field(default_factory=Register)
    operation: Register = field(default_factory=Register)
    queue: deque[int | str] = field(default_factory=deque)

    def power_on(self, overflow: int) -> None:
        """Everything as after switching on; a full queue ends with ``overflow``."""
        self.overflow, self.esr, self.ese, self.sre = overflow, 0x80, 0, 0
        self.measurement, self.questionable, self.operation = Register(), Register(), Register()
        self.queue.clear()

    def error(self, code: int) -> None:
        """Queue an error and set its bit of the standard event register; a full queue ends with the overflow entry."""
        bit = 5 if -200 < code <= -100 else 4 if -300 < code <= -200 else 2 if -500 < code <= -400 else 3
        self.esr |= 1 << bit
        if len(self.queue) >= QUEUE_DEPTH:
            self.queue[-1] = self.overflow
        else:
            self.queue.append(code)

    def entry(self, text: str) -> None:
        """Queue an entry as it is printed, for instance ``+800,"RS-232 Framing error detected"``."""
        self.queue.append(text)

    def next_error(self) -> str:
        """The oldest error as ``number,"text"``; 0 when the queue is empty."""
        if not self.queue:
            return f'0,"{self.no_error}"'
        entry = self.queue.popleft()
        if isinstance(entry, str):
            return entry
        number = f"{entry:+d}" if entry != UNSIGNED else str(entry)
        return f'{number},"{ERROR_TEXT[entry]}"'

    def take_esr(self) -> int:
        """The standard event register, which reading clears."""
        esr, self.esr = self.esr, 0
        return esr

    def clear(self) -> None:
        """``*CLS``: events and queue, not the enables."""
        self.esr = 0
        self.queue.clear()
        for register in (self.measurement, self.questionable, self.operation):
            register.event = 0

    def preset(self) -> None:
        """``:STATus:PRESet``: no event is enabled, every rise is latched."""
        for register in (self.measurement, self.questionable, self.operation):
            register.preset()

    @property
    def byte(self) -> int:
        """The status byte: 0 measurement, 2 error queue, 3 questionable, 5 standard events, 6 master summary, 7
        operation.
        """
        byte = (
            self.measurement.summary
            | bool(self.queue) << 2
            | self.questionable.summary << 3
            | bool(self.esr & self.ese) << 5
            | self.operation.summary << 7
        )
        return byte | bool(byte & self.sre & ~64) << 6
