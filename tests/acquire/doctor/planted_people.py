"""Faults of what people set up around the measuring: folders, readers, mail, simulators, accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from brokers import free_port
from disks import read_only, tiny_disk
from installations import Installation, planted
from mail_servers import Inbox, mail_server
from people_known import staffed
from scenario_a import StoreClient

from acquire.store.database import connect

Plants = AsyncIterator[None]
MAIL = """\
[notices]
recipient = [
  {{ name = "MP-1", role = "physicist", address = "mp@clinic.example" }},
  {{ name = "RO-1", role = "physician", address = "ro@clinic.example" }},
]
mail = {{ host = "127.0.0.1", port = {port}, security = "none", sender = "dosimetry@clinic.example" }}
"""
SIMULATOR = '[[simulator]]\nid = "sim-1"\nmodel = "keithley-6517b"\nlisten = "tcp:127.0.0.1:0"\n'


@planted("drop-folder", "'tld-reader-1': There is no folder ", "winrems; make it, or mend the resource.")
async def a_folder_that_is_not_there(it: Installation) -> Plants:
    it.instrument("dir:winrems", "winrems", "tld-reader-1")
    (it.folder / "winrems").mkdir()
    yield
    (it.folder / "winrems").rmdir()
    yield


@planted(
    "drop-folder",
    "'tld-reader-1': The journal ",
    "cannot be written (Read-only file system)",
    "set `journal` to a place",
)
async def a_folder_that_is_read_only(it: Installation) -> Plants:
    with tiny_disk(it.folder, "4m") as disk:
        (disk / "winrems").mkdir()
        it.instrument(f"dir:{disk}/winrems", "winrems", "tld-reader-1")
        yield
        read_only(disk)
        yield


@planted(
    "reader-silent",
    "'tld-reader-1' has given nothing since ",
    "never paused for more than 3 days before: look whether its",
)
async def a_reader_that_exports_nothing_any_more(it: Installation) -> Plants:
    (it.folder / "winrems").mkdir()
    it.instrument("dir:winrems", "winrems", "tld-reader-1")
    with closing(connect(it.store_file, create=True)) as connection:
        reader = StoreClient(connection, "field")
        for n in range(6):
            reader.put("tld-reader-1", [reader.chip(f"20{n}", 41.0, {"file": f"{n}.ASC", "sha256": "ab" * 32})])
        connection.execute("DROP TRIGGER received_no_update")  # the days pass here
        for passed in (1, 20):
            rows = [row["number"] for row in connection.execute("SELECT number FROM received ORDER BY number")]
            for n, number in enumerate(reversed(rows)):
                at = datetime.now(UTC) - timedelta(days=passed + 3 * n)
                connection.execute("UPDATE received SET at = ? WHERE number = ?", (int(at.timestamp() * 1e6), number))
            yield


@planted(
    "mail",
    "Notices reach nobody by mail over 127.0.0.1:",
    "the mail server could not be used",
    "correct [notices.mail].",
)
async def a_mail_server_that_is_not_there(it: Installation) -> Plants:
    async with mail_server(Inbox()) as port:
        it.tables = MAIL.format(port=port)
        yield
    it.tables = MAIL.format(port=free_port())
    yield


@planted(
    "simulator", "'electrometer-1' is a simulator in a service that measures patients", "take its [[instrument]] and"
)
async def a_simulator_beside_a_real_instrument(it: Installation) -> Plants:
    it.instrument("simulator:sim-1")
    it.tables = SIMULATOR
    yield
    it.tables = SIMULATOR + '[[instrument]]\nid = "other"\nmodel = "keithley-6517b"\nresource = "tcp:192.0.2.1:1"\n'
    yield


@planted("simulator", "'electrometer-1' is a simulator in a service that measures patients")
async def a_simulator_where_people_log_in(it: Installation) -> Plants:
    it.instrument("simulator:sim-1")
    it.tables = SIMULATOR
    with closing(connect(it.store_file, create=True)) as connection:
        yield
        staffed(connection)
        yield


@planted(
    "accounts", "electrometer-1: no patient is measured with real instruments before the store has accounts; make the"
)
async def real_instruments_without_people(it: Installation) -> Plants:
    it.instrument("tcp:192.0.2.1:1")
    with closing(connect(it.store_file, create=True)) as connection:
        staffed(connection)
        yield
    it.store_file.unlink()
    connect(it.store_file, create=True).close()
    yield


@planted("caution", "Others on this machine can read ", "broker.password; `chmod 600 ", " leaves it to the service.")
async def a_password_that_everybody_reads(it: Installation) -> Plants:
    secret = it.folder / "broker.password"
    it.broker = (
        'mode = "external"\nhost = "127.0.0.1"\nport = 1\nusername = "room-1"\npassword_file = "broker.password"'
    )
    secret.write_text("right\n")
    secret.chmod(0o600)
    yield
    secret.chmod(0o644)
    yield
