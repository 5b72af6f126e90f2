"""What can go wrong between us and an instrument. Each error is one plain sentence and keeps the bytes it speaks of."""

from __future__ import annotations

SHOWN = 80


class InstrumentError(Exception):
    """Base of all instrument errors. `retryable` says whether the same request may succeed later by itself."""

    retryable = False

    def __init__(self, message: str, raw: bytes = b"") -> None:
        super().__init__(message)
        self.raw = raw


class LinkDown(InstrumentError):
    """The port is gone, cannot be opened, or the other end closed it. The stream ends; a new one may begin."""

    retryable = True


class ReplyTimeout(InstrumentError):
    """No complete reply in time, or a line in doubt: drain it and identify the instrument before anything else."""

    retryable = True


class Garbled(InstrumentError):
    """A reply that is not of the protocol. Its bytes are in `raw`, to be kept, counted and shown."""


class Declined(InstrumentError):
    """The instrument understood and said no (its error code is in the message), or did something else than asked."""


class WrongInstrument(InstrumentError):
    """Another model or serial number answers on this port."""


class Misuse(InstrumentError):
    """We asked for something the driver or the instrument cannot do."""


class DriverFault(InstrumentError):
    """An error inside a driver: anybody's code may be one, and none of its exceptions goes further than this."""


def fault_of(error: Exception, doing: str, raw: bytes = b"") -> DriverFault:
    """The sentence of an exception that a driver should not have raised."""
    said = " ".join(str(error).split())
    return DriverFault(f"An error in the driver ({type(error).__name__}: {said}) while {doing}.", raw)


def shown(raw: bytes, limit: int = SHOWN) -> str:
    """Bytes as a person can read them in a sentence: what does not print stands as \\x11; at most `limit` bytes."""
    text = "".join(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in raw[:limit].rstrip(b"\r\n"))
    return text + ("..." if len(raw) > limit else "")
