"""Whether the service lives and whether it does its work, from what systemd's watchdog is fed by and the parts say.

Live: every loop comes round (acquire.heartbeat). Ready: the broker is there, the spool takes entries, the store
commits. Instruments are not asked: one that is unplugged is no reason to take the service for broken, and its
neighbours go on. Nothing is waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acquire.watching.watched import Watched

STUCK_S = 30.0  # as long as systemd's watchdog waits with the packaged unit: half of WatchdogSec
NOT_YET = "it has not begun yet"
NO_BROKER = "there is no connection to the broker; the log says why"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the service: `why` it does not do its work, in a sentence, or None."""

    name: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """The parts that must live, and those that must be ready."""

    loops: tuple[Part, ...]
    parts: tuple[Part, ...]

    @property
    def live(self) -> bool:
        """Whether every loop comes round."""
        return all(each.why is None for each in self.loops)

    @property
    def ready(self) -> bool:
        """Whether it lives and every part does its work."""
        return self.live and all(each.why is None for each in self.parts)


def health(running: Watched) -> Health:
    """As the parts say now."""
    stuck = running.heartbeat.stuck(STUCK_S)
    loops = [Part(name, _stuck(name) if name in stuck else None) for name in running.heartbeat.parts]
    return Health(tuple(loops), tuple(_parts(running)))


def _stuck(name: str) -> str:
    return f"the loop of '{name}' has not come round for more than {STUCK_S:g} s"


def _parts(running: Watched) -> Iterator[Part]:
    spool, store = running.loaded.spool is not None, running.loaded.store is not None
    source, worker = running.publisher, running.worker
    if spool or store:
        connected = (not spool or (source is not None and source.connected)) and (
            not store or (worker is not None and worker.connected)
        )
        yield Part("broker", None if connected else NO_BROKER)
    if spool:
        yield Part("spool", running.waits_for_spool or NOT_YET if source is None else source.trouble)
    if store:
        yield Part("store", NOT_YET if worker is None else worker.trouble)
