"""Certificates and secrets of a connection: where they are kept, and that they are read anew for each connection.

Read anew, so that a renewed certificate or a changed password is taken up without a restart. A secret is only ever
named here (a file, an environment variable), so nothing that is logged, shown or raised can hold one.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from acquire.errors import Refused
from acquire.plain_files import must_be_plain, read_plain

LARGEST_SECRET = 64 * 1024  # bytes
# What ssl.create_default_context asks for from Python 3.13 on: a certificate holds on every Python, or on none.
SAME_ON_EACH_PYTHON = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT


class Unusable(Exception):
    """A certificate, key or secret cannot be used: one plain sentence, without a full stop."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or passphrase, by where it is kept: the first line of a file, or an environment variable."""

    file: Path | None = None
    env: str | None = None

    def read(self) -> str:
        """The secret as it stands there now. Raises Unusable."""
        if self.env is not None:
            found = os.environ.get(self.env)
            if not found:
                raise Unusable(f"the environment variable {self.env}, which is to hold a secret, is not set")
            return found
        try:
            lines = read_plain(self.file or Path(), LARGEST_SECRET).decode("utf-8").splitlines()
        except Refused as error:
            why = str(error).removeprefix(f"{self.file} ").rstrip(".")
            raise Unusable(f"{self.file}, which is to hold a secret, {why}") from None
        except UnicodeDecodeError:
            raise Unusable(f"{self.file}, which is to hold a secret, is not UTF-8 text") from None
        if not lines or not lines[0].strip():
            raise Unusable(f"{self.file}, which is to hold a secret, begins with an empty line")
        return lines[0].strip()


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS 1.2 or newer, with the broker's certificate and host name verified; there is no way to turn that off.

    Without `ca_file` the system's authorities are trusted. `cert_file` and `key_file` are our own.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_passphrase: Secret | None = None

    def context(self) -> ssl.SSLContext:
        """A context from the files as they are now. Raises Unusable."""
        for each in (self.ca_file, self.cert_file, self.key_file):
            if each is not None:
                _must_be_plain(each)
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise Unusable(f"the authority's certificate {self.ca_file} cannot be used: {_why(error)}") from None
        context.verify_flags |= SAME_ON_EACH_PYTHON
        context.sslsocket_class = _Socket
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file, self._passphrase)
            except (OSError, ssl.SSLError) as error:
                raise Unusable(
                    f"our certificate {self.cert_file} with the key {self.key_file} cannot be used: {_why(error)}"
                ) from None
        return context

    def _passphrase(self) -> str:
        """Asked for only when the key is encrypted; without it OpenSSL would ask on the terminal."""
        if self.key_passphrase is None:
            raise Unusable(
                f"the key {self.key_file} is encrypted; name its passphrase with key_passphrase_file or"
                " key_passphrase_env"
            )
        return self.key_passphrase.read()


class _Socket(ssl.SSLSocket):
    """Closed when the handshake fails; the client library would leave it open until it is collected."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _must_be_plain(path: Path) -> None:
    """OpenSSL would wait for a pipe. Raises Unusable."""
    try:
        must_be_plain(path)
    except Refused as error:
        raise Unusable(str(error).rstrip(".")) from None


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return {
            "KEY_VALUES_MISMATCH": "the key is not that of the certificate",
            "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in it",
            "BAD_DECRYPT": "the passphrase is wrong",
            "MAYBE_WRONG_PASSWORD": "the passphrase is wrong",
        }.get(error.reason or "", "it is not in PEM form, or the passphrase is wrong")
    return error.strerror or str(error)
