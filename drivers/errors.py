"""What can go wrong between us and an instrument. Each error is one plain sentence and keeps the bytes it speaks of."""

from __future__ import annotations


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
    """No complete reply in time. The link is dirty until it has been drained and the instrument identified again."""

    retryable = True


class Garbled(InstrumentError):
    """A reply that is not of the protocol. Its bytes are in `raw`, to be kept, counted and shown."""


class Refused(InstrumentError):
    """The instrument understood and said no (its error code is in the message)."""


class WrongInstrument(InstrumentError):
    """Another model or serial number answers on this port."""


class Misuse(InstrumentError):
    """We asked for something the driver or the instrument cannot do."""
