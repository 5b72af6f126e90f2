"""Topics of the published contract, version 1: dosimetry/v1/<site>/<instrument>/..."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import StringConstraints

from drivers.plain_words import form

ROOT = "dosimetry/v1"

# A name that is one level of a topic: no '/', no wildcard, no blank, nothing that needs quoting in a shell.
_NAME = form(
    r"^[a-z0-9][a-z0-9._-]{0,63}$", "1 to 64 small letters, digits, '.', '_' or '-', the first a letter or digit"
)
Name = Annotated[str, StringConstraints(pattern=_NAME)]

STORE = "store"  # where the store tells its state, among the hosts; no acquisition host may be called so

# Levels of a site that are no instruments.
RESERVED = ("clients", "daemon", "sessions")


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one site."""

    site: str

    def readings(self, instrument: str) -> str:
        """Source to store: batches of entries, and the question "how far are you?"."""
        return f"{ROOT}/{self.site}/{instrument}/readings"

    def committed(self, instrument: str) -> str:
        """Store to source: committed through N. Retained for onlookers only."""
        return f"{ROOT}/{self.site}/{instrument}/committed"

    def state(self, instrument: str) -> str:
        """Retained state of an instrument, with a last will."""
        return f"{ROOT}/{self.site}/{instrument}/state"

    def command(self, instrument: str, name: str) -> str:
        """Requests to an instrument."""
        return f"{ROOT}/{self.site}/{instrument}/command/{name}"

    def reply(self, client: str) -> str:
        """Where a client of this project wants answers to its commands."""
        return f"{ROOT}/{self.site}/clients/{client}/replies"

    @property
    def anchor(self) -> str:
        """Retained: the newest hashes of the store's chains, for whoever keeps them elsewhere."""
        return f"{ROOT}/{self.site}/daemon/anchor"

    @property
    def daemon_state(self) -> str:
        """Retained state of the daemon, with a last will."""
        return f"{ROOT}/{self.site}/daemon/state"

    def host_state(self, host: str | None) -> str:
        """Retained state of an acquisition host; a host without a name is the only one of its site."""
        return self.daemon_state if host is None else f"{ROOT}/{self.site}/daemon/{host}/state"

    @property
    def store_state(self) -> str:
        """Retained state of the store's worker, with a last will."""
        return f"{ROOT}/{self.site}/daemon/{STORE}/state"

    def batch(self, host: str | None) -> str:
        """Host to store: entries of several instruments in one message (docs/noloss.md section 2)."""
        return f"{self._of_host(host)}/batch"

    def batch_committed(self, host: str | None) -> str:
        """Store to host: committed through N, for every stream of a batch."""
        return f"{self._of_host(host)}/batch-committed"

    def _of_host(self, host: str | None) -> str:
        return f"{ROOT}/{self.site}/daemon" if not host else f"{ROOT}/{self.site}/daemon/{host}"

    def session_events(self, session: str) -> str:
        """Attached readings, step and state changes, results of one session."""
        return f"{ROOT}/{self.site}/sessions/{session}/events"


def host_of_batch(topic: str) -> tuple[str, str] | None:
    """(site, host) of a topic of batches; the host is "" where it has no name. None for every other topic."""
    match topic.split("/"):
        case ["dosimetry", "v1", site, "daemon", "batch"]:
            return site, ""
        case ["dosimetry", "v1", site, "daemon", host, "batch"]:
            return site, host
    return None


def instrument_of(topic: str) -> tuple[str, str] | None:
    """(site, instrument) of a topic of this contract, or None."""
    parts = topic.split("/")
    return (parts[2], parts[3]) if len(parts) >= 5 and "/".join(parts[:2]) == ROOT else None
