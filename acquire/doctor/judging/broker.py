"""The broker, and every certificate and secret on the way to it and to others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from acquire.doctor.finding import Finding

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class BrokerSeen:
    """why: the reason why there is no connection, without a full stop; trouble: of which kind it is.

    own: it is started by the service. password: where the password is kept.
    """

    where: str
    own: bool
    why: str | None = None
    trouble: Literal["down", "refused", "certificate"] = "down"
    password: str | None = None


def of_broker(seen: BrokerSeen) -> Iterator[Finding]:
    """Findings of the way to the broker."""
    if seen.why is None:
        return
    if seen.trouble == "certificate":  # the reason says how it is mended
        yield Finding("certificate", seen.where, f"The broker cannot be had: {seen.why}.")
    elif seen.trouble == "refused":
        kept = f" that it knows into {seen.password}" if seen.password else " into the configuration"
        says = f"The broker does not let us in: {seen.why}; put the one{kept}, or make it known to the broker."
        yield Finding("broker-refuses", seen.where, says)
    else:
        mend = "restart the service, which starts it" if seen.own else "start it, or correct [broker] host and port"
        yield Finding("broker-down", seen.where, f"The broker cannot be had: {seen.why}; {mend}.")


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """One certificate: whose it is, where it was found, its validity (UTC). unusable: why it is none, a sentence."""

    whose: str
    where: str
    now: datetime
    begins: datetime | None = None
    ends: datetime | None = None
    unusable: str | None = None


def of_certificate(seen: CertificateSeen) -> Iterator[Finding]:
    """Findings of one certificate."""
    what = f"{seen.whose} ({seen.where})"
    if seen.unusable is not None:
        yield Finding(
            "certificate", seen.where, f"{what} cannot be used: {seen.unusable.rstrip('.')}; put a right one there."
        )
    if seen.ends is not None and seen.ends < seen.now:
        says = f"{what} has expired on {seen.ends:%Y-%m-%d}: renew it (docs/security.md)."
        yield Finding("certificate", seen.where, says)
    elif seen.ends is not None and seen.ends < seen.now + SOON:
        left = (seen.ends - seen.now).days
        says = f"{what} expires on {seen.ends:%Y-%m-%d}, in {left} days: renew it before (docs/security.md)."
        yield Finding("certificate-soon", seen.where, says)
    if seen.begins is not None and seen.begins > seen.now:
        says = (
            f"{what} is valid from {seen.begins:%Y-%m-%d %H:%M} UTC only: set this computer's clock, or issue it anew."
        )
        yield Finding("certificate", seen.where, says)


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A file or variable that is to hold a password or a key; trouble: why it cannot be used, a sentence."""

    where: str
    trouble: str | None = None


def of_secret(seen: SecretSeen) -> Iterator[Finding]:
    """Findings of one secret."""
    if seen.trouble is not None:
        yield Finding(
            "secret", seen.where, f"{seen.trouble.rstrip('.')}: put it there, readable for the service alone."
        )
