"""Which certificates a configuration names, and when they expire."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.config import Loaded
from acquire.errors import Refused
from acquire.plain_files import read_plain

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def certificates(loaded: Loaded) -> dict[str, Path]:
    """Files by what they are: to the broker, our own and the authority's; those of the listener for orders."""
    broker, orders = loaded.config.broker.tls, loaded.config.orders.tls
    named = {
        "broker-client": broker.cert_file if broker else None,
        "broker-authority": broker.ca_file if broker else None,
        "orders": orders.cert_file if orders else None,
        "orders-authority": orders.ca_file if orders else None,
    }
    return {what: loaded.beside(file) for what, file in named.items() if file is not None}


def first_to_end(file: Path) -> Certificate:
    """Of a PEM file's certificates the one that ends first. Raises Refused for a file, ValueError for what is in it."""
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - only who watches needs it

    return min(load_pem_x509_certificates(read_plain(file)), key=lambda each: each.not_valid_after_utc)


def expires(file: Path) -> datetime | None:
    """When the first of a PEM file's certificates to do so expires (UTC); None where none can be read in it."""
    try:
        return first_to_end(file).not_valid_after_utc
    except (Refused, ValueError):
        return None
