"""The measurement that is open on one instrument, if any: its markers, and what it allows until its end."""

from __future__ import annotations

from typing import Any

from acquire.instruments.entries import marker_body
from acquire.instruments.marks import Begin, End
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.spool.stream import Stream
from drivers import CommandSpec


class CommandRefused(Exception):
    """A command was not carried out: one plain sentence."""


class Measurement:
    """At most one is open on an instrument. `begun` is what its begin asked for; `id` its measurement id."""

    def __init__(self, instrument: str, spool: Spool, recorder: Recorder) -> None:
        self.begun: Begin | None = None
        self._instrument = instrument
        self._spool = spool
        self._recorder = recorder

    @property
    def id(self) -> str | None:
        """The id of the measurement that is open; None without one."""
        return str(self.begun.measurement) if self.begun else None

    def allows(self, spec: CommandSpec) -> bool:
        """A step that is under way allows what belongs to it, and what cannot change what it measures."""
        return self.begun is None or spec.while_measuring or spec.name in self.begun.allows

    def forget(self) -> None:
        """The stream has ended, and the open measurement with it."""
        self.begun = None

    async def mark(self, stream: Stream, asked: End, known: set[str]) -> dict[str, Any]:
        """Append a marker, once: the same measurement id again gets the same answer, from the spool.

        known: names of the commands that a begin may allow. Raises CommandRefused, SpoolError.
        """
        mark, measurement = "begin" if isinstance(asked, Begin) else "end", str(asked.measurement)
        earlier = await self._spool.markers(measurement)
        same = next((m for m in earlier if m.mark == mark), None)
        if same is not None and (same.ended is None or any(m.mark == "end" for m in earlier)):
            return {"stream": same.stream, "seq": same.seq}
        if any(m.ended is not None for m in earlier):
            raise CommandRefused(f"Measurement {measurement} was interrupted; begin a new attempt.")
        self._refuse_out_of_turn(asked, known)
        seq = await self._append(stream, mark, asked)
        self.begun = asked if isinstance(asked, Begin) else None
        return {"stream": stream.stream, "seq": seq}

    def _refuse_out_of_turn(self, asked: End, known: set[str]) -> None:
        if isinstance(asked, Begin):
            if self.begun is not None:
                raise CommandRefused(f"{self._instrument} is in measurement {self.id}; end that first.")
            if unknown := sorted(set(asked.allows) - known):
                names = ", ".join(sorted(known)) or "none"
                raise CommandRefused(f"{self._instrument} has no command '{unknown[0]}' to allow; it has {names}.")
        elif self.id != str(asked.measurement):
            raise CommandRefused(f"Measurement {asked.measurement} is not under way on {self._instrument}.")

    async def _append(self, stream: Stream, mark: str, asked: End) -> int:
        measurement = str(asked.measurement)
        body = marker_body(mark, measurement, asked.session, asked.step, asked.channel)
        return await self._recorder.append(stream, [(body, measurement)], urgent=mark == "end")
