"""Whether the service of a configuration runs, once, under the right account, with the ports it listens on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acquire.doctor.finding import Finding
from acquire.doctor.judging.ports import User


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """users: who has spool or store open, by file. accounts: sentences on files of other accounts."""

    config: str
    is_running: bool
    users: tuple[tuple[str, User], ...] = ()
    accounts: tuple[str, ...] = ()


def of_service(seen: ServiceSeen) -> Iterator[Finding]:
    """Findings of the service as a whole."""
    if not seen.is_running:
        yield Finding(
            "service-down",
            seen.config,
            f"No service of {seen.config} runs, and nothing is acquired: `systemctl start dosimetry-acquire`, or"
            f" `acquire run {seen.config}`.",
        )
    for file, user in seen.users:
        if not user.ours:
            yield Finding(
                "service-twice",
                file,
                f"{file} is open in {user.says}, which is not the service it belongs to: end that process, one file"
                " has one service.",
            )
    for sentence in seen.accounts:
        yield Finding("account", seen.config, sentence)


@dataclass(frozen=True, slots=True)
class ListenersSeen:
    """taken: sentences on ports that something else has, where the service does not run. missing: (who, HOST:PORT, by
    whom it is had) of ports that the running service should have and has not.
    """

    taken: tuple[str, ...] = ()
    missing: tuple[tuple[str, str, str | None], ...] = ()


def of_listeners(seen: ListenersSeen) -> Iterator[Finding]:
    """Findings of the ports that are listened on."""
    for sentence in seen.taken:
        yield Finding("port-taken", "ports", f"{sentence[0].upper()}{sentence[1:]}")
    for who, where, by in seen.missing:
        if by is None:
            says = f"The service runs, and {who} does not listen on {where}: restart it, its log says why."
            yield Finding("listener-missing", where, says)
        else:
            says = f"{by} listens on {where} where {who} should: end that, or choose another port, and restart."
            yield Finding("port-taken", where, f"{says[0].upper()}{says[1:]}")
