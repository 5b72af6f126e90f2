"""The service and the ports that it listens on."""

from __future__ import annotations

from acquire.beforehand import at_address, listeners, ports
from acquire.broker.processes import ANOTHER_USERS, named
from acquire.doctor.case import Case
from acquire.doctor.judging.service import ListenersSeen, ServiceSeen
from acquire.doctor.looking.processes import listening


def look_at_service(case: Case, _: str) -> ServiceSeen:
    """Raises CannotTell."""
    seen = case.processes
    return ServiceSeen(str(case.loaded.path), seen.is_running, seen.files, case.accounts)


def look_at_listeners(case: Case, _: str) -> ListenersSeen:
    """Where no service runs the ports are tried, for a moment; those of one that runs are only looked up."""
    seen = case.processes
    if not seen.is_running:
        return ListenersSeen(taken=tuple(ports(case.loaded)))
    missing = []
    for who, at in listeners(case.loaded):
        pids = listening(at[1])
        if not pids & seen.service and not (0 in pids and not seen.all_seen):
            by = next((named(pid) if pid else ANOTHER_USERS for pid in sorted(pids)), None)
            missing.append((who, at_address(at), by))
    return ListenersSeen(missing=tuple(missing))
