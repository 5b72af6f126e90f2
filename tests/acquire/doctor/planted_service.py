"""Faults of the service as a whole: not there, there twice, files of another account, ports that it listens on."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator

from brokers import free_port
from installations import Installation, holding, planted

from acquire.spool.journal import Journal

Plants = AsyncIterator[None]


@planted(
    "service-down", "No service of ", "clinic.toml runs, and nothing is acquired: `systemctl start dosimetry-acquire`"
)
async def no_service(it: Installation) -> Plants:
    with it.running():
        yield
    yield


@planted(
    "service-twice", "spool.db is open in process ", " (sleep 60), which is not the service it belongs to: end that"
)
async def two_on_one_spool(it: Installation) -> Plants:
    """As where somebody removed the lock: the second one writes into the file, too. Who only reads is no service."""
    Journal(it.spool_file, reserve=4096).close()
    with it.running():
        with it.spool_file.open("rb") as file, holding(file):
            yield
        with it.spool_file.open("r+b") as file, holding(file):
            yield


@planted("account", "spool.db-wal belongs to the account 4711", "as root, `chown root: ", "gives it back")
async def a_file_of_another_account(it: Installation) -> Plants:
    it.spool_file.touch()
    with it.running():
        yield
        beside = it.folder / "spool.db-wal"
        beside.touch()
        os.chown(beside, 4711, 4711)
        yield


@planted(
    "port-taken", "The listener of orders cannot listen on 127.0.0.1:", "has it; choose another port, or stop that."
)
async def the_port_of_orders_is_taken_before_the_start(it: Installation) -> Plants:
    port = free_port()
    it.tables = f'[orders]\nlisten = "127.0.0.1:{port}"\n'
    yield
    with socket.create_server(("127.0.0.1", port)):
        yield


@planted("port-taken", "rocess ", " listens on 127.0.0.1:", "where the listener of orders should: end that, or choose")
async def the_port_of_orders_is_anothers_while_the_service_runs(it: Installation) -> Plants:
    port = free_port()
    with it.running():
        yield
        it.tables = f'[orders]\nlisten = "127.0.0.1:{port}"\n'
        with socket.create_server(("127.0.0.1", port)):
            yield


@planted("listener-missing", "The service runs, and the listener of orders does not listen on 127.0.0.1:", "restart it")
async def nobody_listens_for_orders(it: Installation) -> Plants:
    with it.running():
        yield
        it.tables = f'[orders]\nlisten = "127.0.0.1:{free_port()}"\n'
        yield
