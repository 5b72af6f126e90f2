"""What a configuration may do and is warned of: who could listen in or forge, and files that others can read."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from acquire.config import Loaded


def cautions(loaded: Loaded) -> list[str]:
    """What somebody should know of this configuration before it runs, one sentence for each danger; none, none."""
    return [*_of_broker(loaded), *_of_watching(loaded), *_of_files(loaded)]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _of_broker(loaded: Loaded) -> Iterator[str]:
    broker = loaded.config.broker
    if is_loopback(broker.host):
        return
    if broker.mode != "external":
        yield (
            f"The broker of our own listens on {broker.host} and lets everybody in: whoever reaches it can read and"
            " forge readings. Use 127.0.0.1, or an external broker (docs/security.md)."
        )
        return
    if broker.tls is None:
        carried = " The password crosses the network readably." if broker.username else ""
        yield (
            f"The broker {broker.host} is reached without TLS: whoever is on the way can read and forge readings."
            f"{carried} Set [broker] tls (docs/security.md)."
        )
    elif broker.tls.cert_file is None and broker.username is None:
        yield (
            f"Nothing tells the broker {broker.host} who we are: set a username with a password, or a certificate"
            " (docs/security.md)."
        )


def _of_watching(loaded: Loaded) -> Iterator[str]:
    watching = loaded.config.watching
    if watching is not None and not is_loopback(watching.host):
        yield (
            f"[watching] listens on {watching.host}, without a password and without TLS: whoever reaches it reads"
            " states, sizes and serial numbers. Let only the monitoring reach it (docs/watching.md)."
        )


def _of_files(loaded: Loaded) -> Iterator[str]:
    broker = loaded.config.broker
    tls = broker.tls
    secrets = [broker.password_file, *((tls.key_file, tls.key_passphrase_file) if tls else ())]
    files = [loaded.beside(each) for each in secrets if each] + [each for each in (loaded.spool, loaded.store) if each]
    for path in files:
        if _others_can_read(path):
            yield f"Others on this machine can read {path}; `chmod 600 {path}` leaves it to the service."


def _others_can_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False
