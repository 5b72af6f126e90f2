"""Certificates of files, and the one that the broker shows; and the files that are to hold passwords and keys."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from acquire import event_loop
from acquire.bus.tls import Secret, Tls, Unusable
from acquire.certificates import certificates as files_of
from acquire.certificates import first_to_end
from acquire.doctor.case import Case
from acquire.doctor.judging.broker import CertificateSeen, SecretSeen
from acquire.errors import Refused
from acquire.mail.sending import password_of

SHOWN_WITHIN_S = 3.0
OF_BROKER = "what the broker shows"
WHOSE = {  # for people, by the words of acquire.certificates
    "broker-authority": "The authority of the broker",
    "broker-client": "Our certificate for the broker",
    "orders": "The certificate of the listener of orders",
    "orders-authority": "The authority of those who send orders",
}


def certificates(case: Case) -> Iterator[str]:
    """What is to be looked at, in words that `look_at_certificate` knows."""
    yield from _files(case)
    if case.loaded.config.broker.tls is not None:
        yield OF_BROKER


def _files(case: Case) -> dict[str, Path]:
    found = {WHOSE[what]: path for what, path in files_of(case.loaded).items()}
    mail = case.loaded.config.notices and case.loaded.config.notices.mail
    if mail and mail.ca_file:
        found["The authority of the mail server"] = case.loaded.beside(mail.ca_file)
    return found


def look_at_certificate(case: Case, whose: str) -> CertificateSeen:
    """Of a file that holds several the one that ends first counts."""
    now = datetime.now(UTC)
    if whose == OF_BROKER:
        return _shown(case, now)
    path = _files(case)[whose]
    try:
        first = first_to_end(path)
    except Refused as error:
        return CertificateSeen(whose, str(path), now, unusable=str(error))
    except ValueError:
        return CertificateSeen(whose, str(path), now, unusable="there is no certificate in PEM form in it")
    return CertificateSeen(whose, str(path), now, first.not_valid_before_utc, first.not_valid_after_utc)


def _shown(case: Case, now: datetime) -> CertificateSeen:
    """Nothing where there is no connection: that is said of the broker."""
    broker, tls = case.loaded.config.broker, case.loaded.endpoint().tls
    where = f"{broker.host}:{broker.port}"
    seen = CertificateSeen("The broker's certificate", where, now)
    try:
        der = event_loop.run(_certificate(broker.host, broker.port, (tls or Tls()).context()))
    except (OSError, Unusable):
        return seen
    if der is None:
        return seen
    found = x509.load_der_x509_certificate(der)
    return CertificateSeen(seen.whose, where, now, found.not_valid_before_utc, found.not_valid_after_utc)


async def _certificate(host: str, port: int, context: ssl.SSLContext) -> bytes | None:
    """Raises OSError where there is no connection in time."""
    async with asyncio.timeout(SHOWN_WITHIN_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


def secrets(case: Case) -> Iterator[str]:
    """What is to hold secrets, in words that `look_at_secret` knows."""
    yield from _secrets(case)


def _secrets(case: Case) -> dict[str, Secret]:
    endpoint, mail = case.loaded.endpoint(), case.loaded.config.notices and case.loaded.config.notices.mail
    found = {
        "the broker's password": endpoint.password,
        "the key's passphrase": endpoint.tls and endpoint.tls.key_passphrase,
    }
    if mail and mail.password_file:
        found["the mail server's password"] = Secret(case.loaded.beside(mail.password_file))
    return {name: each for name, each in found.items() if each}


def look_at_secret(case: Case, name: str) -> SecretSeen:
    """Whether a secret can be read; it is not kept."""
    secret = _secrets(case)[name]
    where = str(secret.file or secret.env)
    try:
        if name == "the mail server's password" and secret.file is not None:
            password_of(secret.file)
        secret.read()
    except Unusable as error:
        return SecretSeen(where, str(error))
    return SecretSeen(where)
