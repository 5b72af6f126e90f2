"""A person shows at the site's provider who they are: to log in, to sign, or to be the second person."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

from acquire.bus.tls import Secret, Tls
from acquire.config_oidc import OidcConfig
from acquire.config_part import oidc_of
from acquire.errors import Refused
from acquire.people import Account, proved
from acquire.terminal.output import say
from drivers import Misuse


def at_provider(
    connection: sqlite3.Connection, config: Path | None, account: str, purpose: str, *, fresh: bool
) -> Account:
    """The account of whoever logs in at the provider now, which must be this one. `fresh`: anew, also where they are
    known there still. Raises Refused, Misuse."""
    named, folder = provider_of(config)
    try:
        from acquire.oidc import Registered, prove_at_provider  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError:
        raise Refused(
            "Log-in at a provider is not installed here: pip install 'dosimetry-acquire[oidc]', or use a password."
        ) from None
    registered = Registered(
        named.issuer, named.client_id, _secret(folder, named.client_secret_file),
        Tls(folder / named.ca_file if named.ca_file else None), named.flow,
    )  # fmt: skip
    shown = prove_at_provider(registered, say, fresh=fresh)
    return proved(connection, shown.issuer, shown.subject, purpose, shown.at, account)


def provider_of(config: Path | None) -> tuple[OidcConfig, Path]:
    """The provider that a configuration names, and the folder of its files. Raises Misuse, FileProblem."""
    if config is None:
        raise Misuse("Say whose provider: --config CONFIG (or ACQUIRE_CONFIG), a file with an [oidc] table.")
    found = oidc_of(config)
    if found is None:
        raise Misuse(f"{config} names no provider of log-ins: give it an [oidc] table, or leave --oidc away.")
    return found, config.parent


def _secret(folder: Path, file: Path | None) -> Secret | None:
    """The client's secret by its file. Raises Refused where others may read it."""
    if file is None:
        return None
    path = folder / file
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Refused(f"{path}, which holds a secret, may be read by others: chmod 600 {path}")
    return Secret(path)
