"""Links cut and slowed, clocks apart, while two hosts acquire: conservation, attribution, liveness (run apart).

The oracle is what each host's spool holds, in its own order: the retention keeps everything there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from brokers import mosquitto_binary
from invariants import Emitted, check_invariants, check_settled, opened
from processes import Process, ask
from several_hosts import HOSTS, cut, fast, inside, make_hosts, mend, slow
from waiting import until

from acquire.bus.endpoint import Endpoint
from acquire.bus.instrument_client import InstrumentClient, NotDone, instrument_client
from acquire.bus.names import Topics
from acquire.store.attribution import measurement

PORT = 1883
CLOCKS = {"host-a": "+50s", "host-b": "-1d"}
LIVE_WITHIN_S = 30.0  # twice what docs/noloss.md section 5 allows: here one machine is all four
SITE = f'site = "clinic"\nbroker = {{ mode = "external", host = "{HOSTS["broker"]}", port = {PORT} }}\n'
INSTRUMENT = """
spool = {{ path = "{host}.db" }}

[[instrument]]
id = "{host}-electrometer"
model = "keithley-6517b"
resource = "{resource}"
settings = {{ nplc = 0.1, range_si = 2e-8 }}
"""


class House:
    """All processes, and what is in the databases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: dict[str, Process] = {}
        self.simulators: dict[str, Process] = {}
        self.store: Process | None = None

    def rows(self, name: str, sql: str) -> list[Any]:
        with opened(self.folder / f"{name}.db") as db:
            return [tuple(row) for row in db.execute(sql)]

    def stored(self, host: str) -> int:
        if not (self.folder / "store.db").exists():
            return 0
        sql = f"SELECT coalesce(sum(through), 0) FROM stream WHERE instrument = '{host}-electrometer'"
        made = self.rows("store", "SELECT count(*) FROM sqlite_master WHERE name = 'stream'")
        return int(self.rows("store", sql)[0][0]) if made[0][0] else 0

    def behind(self) -> dict[str, int]:
        """Entries that a host holds and the store has not confirmed."""
        heads = {h: int(self.rows(h, "SELECT coalesce(sum(head), 0) FROM stream")[0][0]) for h in self.sources}
        return {h: heads[h] - self.stored(h) for h in heads}


def door(host: str) -> str:
    """The back door of a host's simulator, open to the campaign."""
    return f"tcp:{HOSTS[host]}:7000"


async def broker(folder: Path) -> asyncio.subprocess.Process:
    conf = folder / "broker.conf"
    conf.write_text(f"listener {PORT} 0.0.0.0\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\nuser root\n")
    return await asyncio.create_subprocess_exec(*inside("broker"), mosquitto_binary(), "-c", str(conf))


async def ended(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()


@asynccontextmanager
async def house_in(folder: Path) -> Any:
    house = House(folder)
    async with AsyncExitStack() as stack:
        mosquitto = await broker(folder)
        stack.push_async_callback(ended, mosquitto)
        (folder / "store.toml").write_text(f'{SITE}store = {{ url = "sqlite:///store.db" }}\n')
        house.store = Process(folder, "store", "run", str(folder / "store.toml"), before=inside("store"))
        await house.store.start()
        stack.push_async_callback(house.store.kill)
        for host, clock in CLOCKS.items():
            words = (
                "simulate",
                "keithley-6517b",
                "--listen",
                "tcp:127.0.0.1:0",
                "--control",
                f"tcp:{HOSTS[host]}:7000",
            )
            simulator = house.simulators[host] = Process(folder, f"{host}-simulator", *words, before=inside(host))
            await simulator.start(reads_first_line=True)
            stack.push_async_callback(simulator.kill)
            _, address, port, _ = simulator.first_line["resource"].split("::")
            text = SITE + INSTRUMENT.format(host=host, resource=f"tcp:{address}:{port}")
            (folder / f"{host}.toml").write_text(text)
            source = house.sources[host] = Process(
                folder, f"{host}-source", "run", str(folder / f"{host}.toml"), before=inside(host, clock)
            )
            await source.start()
            stack.push_async_callback(source.kill)
        yield house


async def flows_again(house: House, *hosts: str) -> float:
    """Seconds until readings taken after this moment are in the store."""
    heads = {h: int(house.rows(h, "SELECT coalesce(sum(head), 0) FROM stream")[0][0]) for h in hosts}
    return await until(lambda: all(house.stored(h) > heads[h] for h in hosts), LIVE_WITHIN_S, "readings flow again")


async def mark(commands: InstrumentClient, what: str, measurement_id: str) -> dict[str, Any]:
    asked = {"measurement": measurement_id, "session": "s-1", "step": "b1"}
    return await commands.command("host-a-electrometer", what, asked)


async def campaign(house: House, commands: InstrumentClient) -> dict[str, Any]:
    told: dict[str, Any] = {}
    await until(lambda: all(house.stored(h) > 50 for h in CLOCKS), 30, "the first readings of both hosts")
    first, second = str(uuid4()), str(uuid4())
    await mark(commands, "begin", first)
    told["a clock a day apart"] = await refused(commands)

    await cut("host-a")  # in the middle of its measurement
    await asyncio.sleep(5)
    assert house.behind()["host-a"] > 30, "what is taken while the link is cut waits in the spool"
    await mend("host-a")
    told["host-a back, s"] = await flows_again(house, "host-a")
    await mark(commands, "end", first)

    told["slowed by"] = await slow("host-b")
    await mark(commands, "begin", second)
    await cut("store")
    await asyncio.sleep(4)
    assert min(house.behind().values()) > 20
    await mark(commands, "end", second)  # the instrument's host does not need the store for it
    await mend("store")
    told["store back, s"] = await flows_again(house, "host-a", "host-b")
    await fast("host-b")

    await cut("broker")
    await asyncio.sleep(4)
    await mend("broker")
    told["broker back, s"] = await flows_again(house, "host-a", "host-b")
    told["measurements"] = [first, second]
    return told


async def refused(commands: InstrumentClient) -> str:
    try:
        await commands.command(
            "host-b-electrometer", "begin", {"measurement": str(uuid4()), "session": "s", "step": "b"}
        )
    except NotDone as error:
        return str(error)
    raise AssertionError("a request that is a day old by the host's clock was carried out")


async def stopped(house: House) -> dict[str, int]:
    """Everything stopped in order; what each instrument says it gave."""
    for source in house.sources.values():
        assert await source.stop() == 0, source.log()[-2000:]
    given = {}
    for host in house.sources:
        given[host] = int((await ask(door(host), {"do": "state"}))["emitted"])
    assert house.store is not None
    await house.store.stop()
    return given


def emitted(house: House) -> list[Emitted]:
    """Every entry of both spools in its order, with the measurement that was open there."""
    found = []
    for host in house.sources:
        current: dict[str, str | None] = {}
        sql = (
            "SELECT s.stream, e.seq, e.body FROM entry e JOIN stream s ON s.number = e.stream ORDER BY e.stream, e.seq"
        )
        for stream, seq, body in house.rows(host, sql):
            entry = json.loads(body)
            marker = entry["kind"] == "marker"
            if marker:
                current[stream] = entry["measurement"] if entry["mark"] == "begin" else None
            truth = None if marker else current.get(stream)
            found.append(Emitted(stream, seq, bytes(body), truth, marker))
    return found


def _is_reading(body: bytes) -> bool:
    """Also what was set aside at the opening was given by the instrument, and is kept."""
    return b'"kind":"scalar"' in body or b'"stale"' in body


def check(house: House, given: dict[str, int], measurements: list[str]) -> dict[str, Any]:
    entries = emitted(house)
    with opened(house.folder / "store.db") as store:
        for host in house.sources:
            with opened(house.folder / f"{host}.db") as spool:
                ours = {stream for (stream,) in spool.execute("SELECT stream FROM stream")}
                check_settled(spool, store)
                taken = sum(1 for e in entries if e.stream in ours and _is_reading(e.body))
                assert taken == given[host], f"{host}: the instrument gave {given[host]}, the spool took {taken}"
        with opened(house.folder / "host-a.db") as spool:
            check_invariants(spool, store, entries)
        attached = {m: measurement(store, m) for m in measurements}
        for m, view in attached.items():
            assert view.state == "ended", view
            assert [r.seq for r in view.readings] == [e.seq for e in entries if e.truth == m]
        times = {h: house.rows("store", TIMES.format(host=h))[0][0] for h in house.sources}
    assert times["host-a"] > times["host-b"], "the hosts' clocks were not apart"
    return {"stored": len(entries), "given": given, "attached": [len(v.readings) for v in attached.values()]}


HELD = "SELECT s.stream, e.seq, e.body FROM entry e JOIN stream s ON s.number = e.stream ORDER BY e.stream, e.seq"
TIMES = (
    "SELECT max(CAST(body AS TEXT) ->> 'time') FROM entry JOIN stream USING (stream)"
    " WHERE instrument = '{host}-electrometer' AND kind = 'scalar'"
)


async def main(folder: Path) -> None:
    await make_hosts()
    async with house_in(folder) as house:
        async with instrument_client(
            Endpoint(HOSTS["broker"], PORT), Topics("clinic"), "campaign", timeout_s=20
        ) as commands:
            told = await campaign(house, commands)
        given = await stopped(house)
        print(json.dumps(told | check(house, given, told["measurements"]), indent=1))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
