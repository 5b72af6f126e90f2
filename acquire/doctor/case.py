"""What is looked at: a configuration, what was seen of processes before anything else, and what a person asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acquire.config import Loaded
from acquire.doctor.finding import CannotTell
from acquire.doctor.judging.ports import User


@dataclass(frozen=True, slots=True)
class Processes:
    """service: the processes of the service that runs on this spool or store; empty where none does.

    ports: by instrument who has its port. files: who writes into the spool. all_seen: no process was hidden from us.
    """

    service: frozenset[int] = frozenset()
    is_running: bool = False
    ports: Mapping[str, tuple[User, ...]] = field(default_factory=dict)
    files: tuple[tuple[str, User], ...] = ()
    all_seen: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """ask: instruments that are to be asked what they are. accounts: sentences on files of other accounts.

    seen: None where processes could not be looked at.
    """

    loaded: Loaded
    ask: frozenset[str] = frozenset()
    seen: Processes | None = None
    accounts: tuple[str, ...] = ()

    @property
    def processes(self) -> Processes:
        """What was seen of processes. Raises CannotTell."""
        if self.seen is None:
            raise CannotTell("the processes of this computer could not be listed")
        return self.seen
