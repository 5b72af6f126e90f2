"""What people set up around the measuring: drop folders, mail, simulators among real instruments, accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from acquire.doctor.finding import Finding


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """A drop folder of an instrument, and a sentence for each thing that keeps it from being read."""

    instrument: str
    sentences: tuple[str, ...]


def of_folder(seen: FolderSeen) -> Iterator[Finding]:
    """Findings of one drop folder."""
    for sentence in seen.sentences:
        yield Finding("drop-folder", seen.instrument, f"'{seen.instrument}': {sentence}")


@dataclass(frozen=True, slots=True)
class MailSeen:
    """why: the reason why no mail would go out, without a full stop; None: it would."""

    where: str
    why: str | None


def of_mail(seen: MailSeen) -> Iterator[Finding]:
    """Findings of the way on which notices reach people."""
    if seen.why is not None:
        yield Finding(
            "mail",
            seen.where,
            f"Notices reach nobody by mail over {seen.where}, {seen.why}: mend that, or correct [notices.mail].",
        )


@dataclass(frozen=True, slots=True)
class Arrangement:
    """simulated, real: instruments. has_accounts: the store knows who people are, so that patients are measured here.

    accounts, cautions: sentences of `acquire check`.
    """

    simulated: tuple[str, ...]
    real: tuple[str, ...]
    has_accounts: bool
    accounts: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def is_clinical(self) -> bool:
        """Whether anything real is measured, or people log in: a service that only plays does not need as much."""
        return bool(self.real) or self.has_accounts


def of_arrangement(seen: Arrangement) -> Iterator[Finding]:
    """Findings of what stands in the configuration."""
    for name in seen.simulated if seen.is_clinical else ():
        yield Finding(
            "simulator",
            name,
            f"'{name}' is a simulator in a service that measures patients: what it gives is no measurement, take its"
            " [[instrument]] and [[simulator]] out of the file.",
        )
    for sentence in seen.accounts:
        yield Finding("accounts", "store", sentence)
    for sentence in seen.cautions:
        yield Finding("caution", "configuration", f"{sentence[0].upper()}{sentence[1:]}")
