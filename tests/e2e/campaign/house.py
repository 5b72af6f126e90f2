"""A site of real processes: hosts and store apart around a Mosquitto, or all in one process with its own broker."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import faulty_disk
import stepped_clock
import third_party
from brokers import Mosquitto, free_port
from processes import ACQUIRE, Process
from stepped_clock import SteppedClock

from acquire.bus.endpoint import Endpoint
from campaign.counter import PACKAGE, Counter

INSTRUMENTS = {"apart": {"host-a": 2, "host-b": 1}, "together": {"house": 2}}
SITE = 'site = "clinic"\n'
STORE = 'store = {{ url = "sqlite:///{folder}/store/store.db" }}\n'
SPOOL = 'spool = {{ path = "{folder}/{host}/spool.db" }}\n'
NEWEST = "SELECT instrument, stream, max(number) FROM stream GROUP BY instrument"
INSTRUMENT = """
[[instrument]]
id = "{name}"
model = "campaign-counter"
resource = "tcp:127.0.0.1:{port}"
settings = {{ poll_interval_s = 0.02, timeout_s = 1.0 }}
"""


@dataclass
class Member:
    """One process of the house with its clock and its disk."""

    process: Process
    clock: SteppedClock
    disk: faulty_disk.FaultyDisk
    file: Path  # what a failing disk fails on
    ended_itself: int = 0


@dataclass
class House:
    """Everything; made by `house_in`."""

    folder: Path
    kind: str
    counters: dict[str, Counter] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    hosts: dict[str, list[str]] = field(default_factory=dict)  # the instruments of each
    broker: Mosquitto | None = None
    port: int = 0

    @property
    def endpoint(self) -> Endpoint:
        """Where the bus is; the embedded broker speaks MQTT 3.1.1 only."""
        return Endpoint("127.0.0.1", self.port) if self.broker else Endpoint("127.0.0.1", self.port, "3.1.1")

    @property
    def store_file(self) -> Path:
        return self.folder / "store" / "store.db"

    @property
    def keeper(self) -> str:
        """The member that has the store."""
        return "store" if self.kind == "apart" else "house"

    def spool_file(self, host: str) -> Path:
        return self.folder / host / "spool.db"

    def rows(self, file: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
        """What a database of another process answers; nothing where it cannot be asked now."""
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
                return db.execute(sql, values).fetchall()
        except sqlite3.Error:
            return []

    def through(self) -> dict[str, int]:
        """What the store has confirmed of each stream."""
        rows = self.rows(self.store_file, "SELECT stream, through FROM stream")
        return {str(stream): int(str(through)) for stream, through in rows}

    def newest(self) -> dict[str, str]:
        """The newest stream of each instrument, as its spool says."""
        rows = [row for host in self.hosts for row in self.rows(self.spool_file(host), NEWEST)]
        return {str(instrument): str(stream) for instrument, stream, _ in rows}

    def unconfirmed(self) -> dict[str, int]:
        """Entries that wait in each spool, by its own books, those confirmed in another epoch, and ends not heard."""
        epoch = self.rows(self.store_file, "SELECT epoch FROM identity")
        said = epoch[0][0] if epoch else None
        waits = "CASE WHEN epoch = ? THEN head - through + (ended IS NOT NULL AND NOT end_heard) ELSE head END"
        sql = f"SELECT coalesce(sum({waits}), 0) FROM stream"
        found = {host: self.rows(self.spool_file(host), sql, said) for host in self.hosts}
        return {host: int(str(rows[0][0])) if rows else -1 for host, rows in found.items()}

    def old_streams(self) -> dict[str, int]:
        """Streams of all spools that are not their instrument's newest, with what was appended to each."""
        sql = "SELECT stream, head FROM stream s WHERE number < (SELECT max(number) FROM stream n WHERE n.instrument ="
        rows = [row for host in self.hosts for row in self.rows(self.spool_file(host), f"{sql} s.instrument)")]
        return {str(stream): int(str(head)) for stream, head in rows}

    async def acquire(self, *words: str) -> tuple[int, str]:
        """A command of a person; its exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            str(ACQUIRE), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=self.folder
        )
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        return process.returncode or 0, out.decode(errors="replace")


async def house_in(folder: Path, kind: str) -> House:
    """Make a house and start it; end it with `torn_down`."""
    site = folder / "site"
    third_party.install(PACKAGE, site, folder / "wheels")
    house = House(folder, kind, port=free_port())
    if kind == "apart":
        storage = folder / "broker"
        storage.mkdir()
        extra = f"persistence true\npersistence_location {storage}/\nautosave_interval 1\nautosave_on_changes true\n"
        house.broker = Mosquitto(folder, house.port, extra=extra)
        await house.broker.start()
    for host, count in INSTRUMENTS[kind].items():
        house.hosts[host] = [f"{host}-counter-{n}" for n in range(1, count + 1)]
        for name in house.hosts[host]:
            house.counters[name] = Counter(name)
            await house.counters[name].start()
    for name, text in _configurations(house):
        (folder / name).mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text)
        house.members[name] = _member(house, name, site)
    (folder / "store").mkdir(exist_ok=True)
    for member in house.members.values():
        await member.process.start()
    return house


def _configurations(house: House) -> Iterator[tuple[str, str]]:
    external = f'broker = {{ mode = "external", port = {house.port} }}\n'
    if house.kind == "apart":
        yield "store", SITE + external + STORE.format(folder=house.folder)
    for host, names in house.hosts.items():
        text = "".join(INSTRUMENT.format(name=name, port=house.counters[name].port) for name in names)
        spool = SPOOL.format(folder=house.folder, host=host)
        if house.kind == "apart":
            yield host, SITE + f'host = "{host}"\n' + external + spool + text
        else:
            embedded = f'broker = {{ mode = "embedded", port = {house.port} }}\n'
            yield host, SITE + embedded + spool + STORE.format(folder=house.folder) + text


def _member(house: House, name: str, site: Path) -> Member:
    clock = SteppedClock(house.folder / f"{name}.clock")
    (house.folder / f"{name}.disk").mkdir()
    disk = faulty_disk.FaultyDisk(house.folder / f"{name}.disk")
    preload = f"{faulty_disk.library()}:{stepped_clock.library()}"
    settings: Mapping[str, str] = {
        **clock.environment(), "PYTHONPATH": str(site), "FAULTY_DISK": disk.env()["FAULTY_DISK"], "LD_PRELOAD": preload,
    }  # fmt: skip
    words: Sequence[str] = ["env", *(f"{key}={value}" for key, value in settings.items())]
    process = Process(house.folder, name, "run", str(house.folder / f"{name}.toml"), before=words)
    file = house.store_file if name == "store" else house.spool_file(name)
    return Member(process, clock, disk, file)


async def torn_down(house: House) -> None:
    """Nothing is left running."""
    for member in house.members.values():
        await member.process.kill()
    for counter in house.counters.values():
        await counter.close()
    if house.broker is not None:
        await house.broker.kill()


def wipe(house: House) -> None:
    """The broker's storage is gone; it must not be running."""
    storage = house.folder / "broker"
    shutil.rmtree(storage)
    storage.mkdir()
