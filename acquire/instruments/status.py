"""What one instrument says of itself: its state for the bus, and its faults for the log, each told once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from uuid import uuid4

from acquire.bus.messages import Accepts, State
from acquire.canonical import utc_now
from acquire.instruments.words import LastWords
from acquire.log import Log
from acquire.spool.journal import SpoolError
from drivers import Identity, Instrument, InstrumentError


class Status:
    """`state` is what is told on the bus; `changed` is set with every new one. `run_id`: of this run of the daemon."""

    def __init__(self, instrument: str) -> None:
        self.state = State(state="starting", since=utc_now())
        self.changed = asyncio.Event()
        self.run_id = uuid4()
        self._complained_of: type[Exception] | None = None
        self._log = Log("instrument").bind(instrument=instrument)

    def tell(
        self,
        state: str,
        why: str | None,
        *,
        identity: Identity | None,
        device: Instrument | None,
        stream: str | None,
        measurement: str | None,
        emitted: int,
        commands: Iterable[Accepts],
        words: LastWords,
    ) -> None:
        """A new state. device: None while nothing is open; what it measures and is set to is not known then."""
        said = {
            "state": state,
            "since": utc_now(),
            "why": why,
            "model": identity.model if identity else None,
            "serial": (identity.serial or None) if identity else None,  # not told by the instrument
            "firmware": identity.firmware if identity else None,
            "stream": stream,
            "measurement": measurement,
            "emitted": emitted,
            "last_request": words.request,
            "last_reply": words.reply,
            "run": self.run_id,
            "commands": list(commands),
        }
        self.state = State.model_validate(said | (_of(device) if device else {}))
        self.changed.set()

    def complain(self, error: Exception) -> None:
        """Log once for each kind of error until the instrument is available again."""
        if self._complained_of is not type(error):
            ours = isinstance(error, (InstrumentError, SpoolError))
            self._log.warning("not available", why=str(error), exc_info=None if ours else error)
        self._complained_of = type(error)

    def answers(self, identity: Identity, device: Instrument) -> None:
        """Log who answers and is read from now on: once for each time it was opened and gave something."""
        self._log.info(
            "instrument ready", driver=device.model.name, model=identity.model, serial=identity.serial or None,
            firmware=identity.firmware or None, resource=device.resource,
        )  # fmt: skip

    def available(self) -> None:
        """Log that it is there again, where it was complained of."""
        if self._complained_of is not None:
            self._complained_of = None
            self._log.info("available again")


def _of(device: Instrument) -> dict[str, object]:
    return {
        "driver": device.model.name,
        "measures": device.measures,
        "integrates": device.integrates,
        "framing": asdict(device.model.framing),
        "channels": list(device.channels),
        "settings": dict(device.settings_in_force),
    }
