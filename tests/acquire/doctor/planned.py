"""A store with the demonstration's order and plan, whose files may be edited before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from installations import Installation
from scenario_a import demo_file

from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.session.planning import add_plan
from acquire.store.database import connect


@contextmanager
def planned(it: Installation, **edited: bytes) -> Iterator[sqlite3.Connection]:
    """`edited`: other bytes of inventory or calibrations."""
    with closing(connect(it.store_file, create=True)) as connection:
        name, body = demo_file("order-A-1.json")
        add_order(connection, body, name, "MD-1")
        add(connection, 2, **edited)
        yield connection


def add(connection: sqlite3.Connection, version: int, **edited: bytes) -> None:
    """A version of the plan, with these files."""
    name, plan = demo_file("plan-A-v2.toml")
    inventory = edited.get("inventory", demo_file("inventory.toml")[1])
    calibrations = edited.get("calibrations", demo_file("calibrations.toml")[1])
    plan = plan.replace(b"version = 2", f"version = {version}".encode())
    add_plan(
        connection, plan, name, "MP-1", read_inventory(inventory, "inventory.toml"),
        read_calibrations(calibrations, "calibrations.toml"),
    )  # fmt: skip
