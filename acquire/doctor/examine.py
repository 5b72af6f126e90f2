"""All checks at once, each in a thread of its own and with a time of its own: whatever hangs, an answer comes.

A thread that hangs in a system call (a file system that is gone, a name that is looked up) cannot be ended: it is left,
and what it was to look at is a finding.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from acquire.beforehand import as_owner
from acquire.config import Loaded
from acquire.doctor.case import Case
from acquire.doctor.checks import CHECKS, WITHIN_S, Check
from acquire.doctor.finding import CannotTell, Finding, worst_first
from acquire.doctor.looking.processes import look_at_processes


class Look(threading.Thread):
    """One look under way. `seen` holds what it gave, `failed` why it gave nothing (a clause)."""

    def __init__(self, name: str, work: Callable[[], Any], within_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self.seen: list[Any] = []
        self.failed: str | None = None
        self._work = work
        self._until = time.monotonic() + within_s
        self._within_s = within_s
        self.start()

    def run(self) -> None:
        """In the thread. Any error is one of this look alone, and is told."""
        try:
            self.seen.append(self._work())
        except CannotTell as error:
            self.failed = str(error)
        except OSError as error:
            self.failed = " ".join(
                filter(None, (error.filename and f"{error.filename}:", error.strerror or str(error)))
            )
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"

    @property
    def hangs(self) -> bool:
        """Whether it has not come to its end in its time; waits for that."""
        self.join(max(0.0, self._until - time.monotonic()))
        return self.is_alive()

    @property
    def why_not(self) -> str | None:
        """Why nothing was seen; None where something was. Waits for it."""
        return f"it hangs, nothing came within {self._within_s:g} s" if self.hangs else self.failed


@dataclass(slots=True)
class Examination:
    """findings: the worst first. looked_at: everything, in words. hangs: a thread was left behind."""

    findings: Sequence[Finding] = ()
    looked_at: Sequence[str] = ()
    hangs: bool = False
    _found: list[Finding] = field(default_factory=list)


def within(what: str, work: Callable[[], Any], within_s: float = WITHIN_S) -> Look:
    """Something that might hang, in a thread of its own."""
    return Look(what, work, within_s)


def examine(loaded: Loaded, ask: Iterable[str] = (), checks: Sequence[Check] = CHECKS) -> Examination:
    """Look at everything and judge it. ask: ids of instruments to be asked what they are, where their ports are free.

    Root becomes the account that spool and store belong to once it has seen all processes.
    """
    done = Examination()
    case = Case(loaded, frozenset(ask))
    first = within("the processes", lambda: look_at_processes(loaded))
    if not _missed(done, first):
        case = replace(case, seen=first.seen[0])
    account = within("the account of the service", lambda: as_owner(loaded))
    if not _missed(done, account):
        case = replace(case, accounts=tuple(account.seen[0]))
    looks = [
        within(f"{check.what} {subject}", partial(_judged, check, case, subject), check.within_s)
        for check in checks
        for subject in check.of(case)
    ]
    for look in looks:
        if not _missed(done, look):
            done._found += look.seen[0]
    done.findings = worst_first(done._found)
    done.looked_at = [look.name for look in (first, account, *looks)]
    return done


def _judged(check: Check, case: Case, subject: str) -> list[Finding]:
    return [*check.judge(check.look(case, subject))]


def _missed(done: Examination, look: Look) -> bool:
    """Whether nothing was seen, which is a finding, too."""
    why = look.why_not
    done.hangs = done.hangs or look.hangs
    if why is not None:
        says = f"{look.name[0].upper()}{look.name[1:]} could not be looked at, {why.rstrip('.')}: look there by hand."
        done._found.append(Finding("not-looked-at", look.name, says))
    return why is not None
