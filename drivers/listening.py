"""The engine of an instrument that speaks by itself: it never writes, and a quiet line is no gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drivers.driver import Listener, WireSettings
from drivers.errors import Garbled, InstrumentError, LinkDown, fault_of
from drivers.instrument import Identity, Instrument
from drivers.link import Link
from drivers.model import Model
from drivers.reading import Reading
from drivers.stamping import HostClock, readings_of, unparsed
from drivers.trace import Crossing, Trace
from drivers.transport.base import Transport

MOST_AT_ONCE = 500  # messages of one take; the rest waits for the next


class ListeningInstrument(Instrument):
    """A model's listener on one transport. A take waits for timeout_s at most."""

    def __init__(
        self, model: Model, resource: str, settings: WireSettings, transport: Transport, trace: Trace | None = None
    ) -> None:
        super().__init__(model, resource)
        self.settings = settings
        self._clock = HostClock()
        kind: type[Listener[Any]] = model.driver
        self._link = Link(transport, name=resource, between=kind.between, trace=trace)
        self._listener: Listener[Any] = self._made()

    @property
    def poll_interval_s(self) -> float:
        """Waiting is done in take() itself."""
        return 0.0

    @property
    def speaks_unasked(self) -> bool:
        """That is what a listener is for."""
        return True

    @property
    def measures(self) -> str:
        """As its listener says. Raises DriverFault where it fails to say."""
        try:
            return self._listener.measures or super().measures
        except Exception as error:
            raise _as_ours(error, f"asking for the quantity of {self.resource}") from error

    async def open(self) -> Identity:
        """Open the port. Who is there is what the listener can say without asking.

        Raises LinkDown, and DriverFault where the listener cannot be made.
        """
        await self._link.open()
        self._clock.begin()
        try:
            self._listener = self._made()
            return self._identity()
        except Exception:
            await self._link.close()
            raise

    async def take(self) -> Sequence[Reading]:
        """The readings of every message that has come; none after a quiet time.

        Raises LinkDown, but first what had come before the line was lost is given.
        """
        return await self._messages(self.settings.timeout_s)

    async def flush(self) -> Sequence[Reading]:
        """What has come already belongs before the marker that follows. Raises as `take` does."""
        return await self._messages(0.0)

    async def _messages(self, within_s: float) -> list[Reading]:
        """Of all that has come; waits within_s for the first. Where none came, also what the listener held back."""
        found: list[Reading] = []
        waits_s = within_s
        for _ in range(MOST_AT_ONCE):
            try:
                message = await self._link.listen(self._listener.shape, within_s=waits_s)
            except Garbled as error:
                found.append(unparsed(self.model, error.raw, str(error), clock=self._clock))
                break
            except LinkDown:
                found = found or self._held_back()
                if found:  # what came before the loss is given first; the next take raises
                    break
                raise
            if message is None:
                if waits_s:
                    found += self._held_back()
                break
            waits_s = 0.0
            found += self._heard(message)
        return found

    def _held_back(self) -> list[Reading]:
        """What the listener was waiting with, as it is."""
        try:
            return readings_of(self.model, self.channels, self._listener.quiet(), b"", self._clock)
        except Exception as error:  # a listener may be anybody's
            return [unparsed(self.model, b"", str(_as_ours(error, "giving what was held back")), clock=self._clock)]

    def _heard(self, message: bytes) -> list[Reading]:
        try:
            return readings_of(self.model, self.channels, self._listener.hear(message), message, self._clock)
        except Exception as error:  # a listener may be anybody's
            return [unparsed(self.model, message, str(_as_ours(error, "parsing a message")), clock=self._clock)]

    async def recover(self) -> Identity:
        """There is nothing to settle: what has come and what comes next are messages of their own.

        Raises DriverFault where the listener cannot say who is there.
        """
        return self._identity()

    async def close(self) -> None:
        """Releases the port. What the listener still held back is counted as stray. Never raises."""
        for raw in dict.fromkeys(each.raw for each in self._held_back()):
            self._link.doubt(raw)
        await self._link.close()

    def last_words(self) -> tuple[Crossing | None, Crossing | None]:
        """As its trace has them."""
        return self._link.trace.last_request(), self._link.trace.last_reply()

    def _made(self) -> Listener[Any]:
        try:
            made: Listener[Any] = self.model.driver(self.settings)
        except Exception as error:
            raise _as_ours(error, f"making the driver of {self.resource}") from error
        return made

    def _identity(self) -> Identity:
        try:
            return self._listener.identity()
        except Exception as error:
            raise _as_ours(error, f"identifying {self.resource}") from error


def _as_ours(error: Exception, doing: str) -> InstrumentError:
    return error if isinstance(error, InstrumentError) else fault_of(error, doing)
