"""Which detectors, instruments and readers the store knows by name: of inventories it keeps, and of the stock."""

from __future__ import annotations

import sqlite3

from acquire.procedure.documents import kept
from acquire.procedure.documents.inventory import read_inventory


def equipment_names(connection: sqlite3.Connection) -> set[str]:
    """Every name by which an inventory that the store keeps, or the stock, has a detector, instrument or reader."""
    names = {row["reader"] for row in connection.execute("SELECT DISTINCT reader FROM element")}
    names |= {row["owner"] for row in connection.execute("SELECT DISTINCT owner FROM coefficient")}
    for row in connection.execute("SELECT sha256 FROM document WHERE kind = 'inventory'"):
        name, body = kept.fetch(connection, row["sha256"])
        owned = read_inventory(body, name)
        names |= {each.id for group in (owned.instrument, owned.detector) for each in group}
    return names
