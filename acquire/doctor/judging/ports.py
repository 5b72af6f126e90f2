"""The port of an instrument: whether it is there, may be opened, is held by others, and who answers on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acquire.doctor.finding import Finding


@dataclass(frozen=True, slots=True)
class User:
    """A process that has something in use. `says` names it with its program. `ours`: it belongs to the service."""

    pid: int
    says: str
    ours: bool


@dataclass(frozen=True, slots=True)
class PortSeen:
    """What was seen of a port without opening it. Each sentence is None where there is nothing to say.

    users: everybody who has it open, or is connected to it. missing: it is not there. stranger: another adapter is.
    forbidden: this account may not open it. unlikely: its model is not known to be reached that way.
    """

    instrument: str
    resource: str
    users: tuple[User, ...] = ()
    missing: str | None = None
    stranger: str | None = None
    forbidden: str | None = None
    unlikely: str | None = None


def of_port(seen: PortSeen) -> Iterator[Finding]:
    """Findings of one port."""
    name = seen.instrument
    if seen.missing is not None:
        yield Finding("port-missing", name, seen.missing)
    if seen.stranger is not None:
        yield Finding("usb-identity", name, f"'{name}': {seen.stranger} Plug the right one in, or correct resource.")
    if seen.forbidden is not None:
        yield Finding("port-forbidden", name, f"'{name}': {seen.forbidden}")
    if seen.unlikely is not None:
        yield Finding("port-unlikely", name, f"{seen.unlikely.rstrip('.')}: correct model or resource.")
    for user in seen.users:
        if not user.ours:
            yield Finding(
                "port-held",
                name,
                f"'{name}': {seen.resource} is held by {user.says}, and one port serves one program: end that program"
                " or give it another port.",
            )


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking an instrument what it is. Each sentence is None where there is nothing to say.

    not_asked: why it was not. wrong: another one answers. silent: no answer that could be believed came.
    """

    instrument: str
    not_asked: str | None = None
    wrong: str | None = None
    silent: str | None = None


def of_answer(seen: Answered) -> Iterator[Finding]:
    """Findings of an instrument that somebody wanted to be asked."""
    name = seen.instrument
    if seen.not_asked is not None:
        yield Finding("not-asked", name, f"'{name}' was not asked what it is: {seen.not_asked}")
    if seen.wrong is not None:
        yield Finding("wrong-instrument", name, f"'{name}': {seen.wrong}")
    if seen.silent is not None:
        yield Finding(
            "no-answer",
            name,
            f"'{name}' did not say what it is: {seen.silent.rstrip('.')}; look whether it is switched on, and at cable"
            " and serial settings.",
        )
