"""What each instrument gave and what became of it: counted at both ends, apart from each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acquire.record import attached
from acquire.service import Service
from acquire.store.database import connect
from acquire.store.entries import count_of

READINGS = ("scalar", "glow-curve", "curve")


def counts(running: Service, folder: Path, session: str) -> list[dict[str, Any]]:
    """For each instrument: emitted (by the simulator's own count), stored, attached, rejected."""
    connection = connect(folder / "store.db")
    try:
        belongs = attached(connection, session)
        return [
            {
                "id": config.id,
                "model": config.model,
                "emitted": _emitted(running, config.resource),
                "stored": count_of(connection, config.id, READINGS, "stored"),
                "attached": belongs.get(config.id, 0),
                "rejected": count_of(connection, config.id, None, "refused"),
            }
            for config in running.loaded.config.instrument
        ]
    finally:
        connection.close()


def _emitted(running: Service, resource: str) -> int:
    """Replies the simulated electrometer sent; for a reader, the values in the files it dropped, counted as text."""
    simulator = resource.removeprefix("simulator:")
    listen = next(s.listen for s in running.loaded.config.simulator if s.id == simulator)
    if not listen.startswith("dir:"):
        instrument: Any = running.simulators[simulator].instrument
        return int(instrument.emitted)
    files = [f for f in Path(listen.removeprefix("dir:")).iterdir() if not f.name.startswith(".")]
    return sum(_values(f.read_bytes()) for f in files)


def _values(data: bytes) -> int:
    if data.startswith(b'"M'):  # WinREMS: four active flags a line
        return sum(flag == b"1" for line in data.split(b"\n") for flag in line.replace(b" ", b"").split(b",")[3:7])
    return sum(data.count(b'recordType="%s"' % kind) for kind in (b"TL", b"OSL"))
