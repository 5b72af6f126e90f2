"""Makes the corpus of a release: real messages of every schema and entry kind, by running the real service.

    PYTHONPATH=.:tests .venv/bin/python tests/acquire/bus/make_corpus.py tests/acquire/bus/released/VERSION

Worked case A is played on simulators, some of them with faults; of everything that went over the broker the shortest
message of each sort is kept, beside the schemas of that release. A released corpus is never made again.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from brokers import running_mosquitto
from e2e.processes import Process

from acquire.bus.client import connect
from acquire.bus.contract import json_schemas
from acquire.bus.instrument_client import InstrumentClient, NotDone, instrument_client
from acquire.config import load
from acquire.demo.files import prepare
from acquire.demo.play import play
from acquire.procedure.session.session import cancel, start_session, time_out
from acquire.procedure.session.steps import abandon_step, begin_step, not_measured
from acquire.service import Service, service
from acquire.store.database import connect as open_store

FAULTY = (
    ("late", "late-reply@4"),
    ("overloaded", "sentinel@p0.5"),
    ("garbled", "garbage-before@p0.3"),
    ("gone", "vanish-read@9"),
)


def configuration(folder: Path, port: int) -> Path:
    """The demonstration's, on a broker that runs already, with one faulty electrometer more for each fault."""
    path = prepare(folder, "external")
    text = path.read_text().replace("port = 0 ", f"port = {port} ").replace('site = "demo"', 'site = "corpus"')
    for n, (name, fault) in enumerate(FAULTY):
        text += (
            f'\n[[simulator]]\nid = "sim-{name}"\nmodel = "keithley-6517b"\nlisten = "tcp:127.0.0.1:0"\n'
            f'seed = {n + 11}\nfaults = ["{fault}"]\n[[instrument]]\nid = "{name}"\nmodel = "keithley-6517b"\n'
            f'resource = "simulator:sim-{name}"\nsettings = {{ function = "charge", range_si = 2e-8 }}\n'
        )
    path.write_text(text)
    return path


def osl(points: int) -> str:
    """A lexsyg file of one optically stimulated curve."""
    pairs = ";".join(f"{0.1 * n:.1f},{round(5000 * 0.97**n)}" for n in range(1, points + 1))
    return (
        '<?xml version="1.0"?><Sample name="disc"><Sequence position="2"><Record recordType="OSL" name="x">'
        f'<Curve curveType="measured" detector="PMT">{pairs}</Curve></Record></Sequence></Sample>'
    )


async def given_up(store: Path, asker: InstrumentClient) -> None:
    """A second fraction: its first step is abandoned, then left out, and the session cancelled."""
    connection = open_store(store)
    row = connection.execute("SELECT calibrations, inventory FROM session").fetchone()
    kept = {
        kind: tuple(connection.execute("SELECT name, body FROM document WHERE sha256 = ?", (row[kind],)).fetchone())
        for kind in ("calibrations", "inventory")
    }
    session = start_session(connection, "ORD-A-1", "MD-1", fraction=2, simulated=True, **kept)
    time_out(connection, session.id, "MD-1", "RT-1", identifiers_agree=True)
    step = next(each.id for each in session.plan.step if each.has_markers)
    await begin_step(connection, asker, session.id, step, "MD-1")
    await abandon_step(connection, session.id, step, "MD-1", "cable", beam_given=False, client=asker)
    not_measured(connection, session.id, step, "MD-1", "cable")
    cancel(connection, session.id, "MD-1", "cable")
    connection.close()


async def happenings(running: Service, folder: Path) -> None:
    await play(running, folder, print)
    for n, points in enumerate((5, 150_000)):  # the second is too large to be sent and is withheld
        part = folder / "reader-2" / ".osl"
        part.write_text(osl(points))
        part.rename(folder / "reader-2" / f"osl-{n}.xsyg")
        await asyncio.sleep(3)
    async with instrument_client(running.endpoint, running.topics, "MD-1") as asker:
        await given_up(folder / "store.db", asker)
        with suppress(NotDone):
            await asker.command("electrometer-1", "dance", {})
    await asyncio.sleep(3)


async def record(folder: Path) -> list[tuple[str, bytes]]:
    """Everything that was said, in order."""
    heard: list[tuple[str, bytes]] = []
    async with running_mosquitto(folder) as broker, connect(broker.endpoint, "corpus") as watching:
        await watching.subscribe("dosimetry/v1/#")

        async def listen() -> None:
            async for message in watching.messages():
                heard.append((message.topic, message.payload))

        listening = asyncio.create_task(listen())
        config = configuration(folder / "run", broker.port)
        async with service(load(config)) as running:
            await happenings(running, folder / "run")
        killed = Process(folder, "killed", "run", str(config))
        await killed.start()
        await asyncio.sleep(8)  # long enough for its instruments to be ready
        await killed.kill()
        await asyncio.sleep(2)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return heard


def sorts(body: dict[str, Any]) -> Iterable[str]:
    """Of what sort a message is; one may be of several."""
    schema = body["schema"].split("/")[0]
    if schema == "readings":
        for each in body["readings"]:
            yield f"readings-{each['kind']}" + (f"-{each['mark']}" if "mark" in each else "")
            yield from (f"readings-flag-{flag}" for flag in each.get("flags", ()))
            yield from (
                f"readings-with-{key}" for key in ("also", "element", "origin", "channel", "elapsed_s") if key in each
            )
        if not body["readings"]:
            yield "readings-none" + (f"-{body['ended']}" if body["ended"] else "")
    elif schema == "state":
        yield f"state-{body['state']}" + ("-daemon" if "emitted" not in body and body["state"] != "offline" else "")
    elif schema == "answer":
        yield "answer-done" if body["ok"] else "answer-refused"
    elif schema == "event":
        detail = body["detail"]
        yield "-".join(
            ["event", body["event"], str(detail.get("mark", detail.get("state", detail.get("decision", ""))))]
        )
    else:
        yield schema


def shortest(heard: Iterable[tuple[str, bytes]]) -> dict[str, tuple[str, bytes]]:
    kept: dict[str, tuple[str, bytes]] = {}
    for topic, payload in heard:
        for sort in sorts(json.loads(payload)):
            if sort not in kept or len(payload) < len(kept[sort][1]):
                kept[sort] = (topic, payload)
    return kept


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        kept = shortest(asyncio.run(record(Path(temporary))))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "schemas").mkdir(parents=True)
    for name, schema in json_schemas().items():
        (folder / "schemas" / name).write_text(json.dumps(schema, indent=1) + "\n")
    for sort, (topic, payload) in sorted(kept.items()):
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in sort.lower()).strip("-")
        document = {"topic": topic, "message": json.loads(payload)}
        (folder / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False) + "\n")
        print(name, len(payload))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
