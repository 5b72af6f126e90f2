"""The Sparkplug edge node: its bytes read by Eclipse Tahu's own library, its births and deaths over a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto, running_mosquitto
from e2e.processes import Process
from hypothesis import given
from hypothesis import strategies as st
from test_contract_on_the_wire import CONFIG
from waiting import until

from acquire.bus.client import Received, connect
from acquire.bus.messages import State, readings_of
from acquire.bus.names import Topics
from acquire.bus.sparkplug import Node, Session
from acquire.bus.sparkplug_node import EdgeNode
from acquire.bus.sparkplug_payload import DataType, Metric, booleans, encode
from acquire.canonical import canonical
from acquire.config import load
from acquire.service import service

ROOT = Path(__file__).parents[3]
RELEASED = Path(__file__).parent / "released" / "0.1.0"
NODE = Node("clinic-group", "clinic")
Decoded = dict[str, Any]


async def tahu(*arguments: str, given: str = "") -> str:
    """Tahu's library, in Node.js."""
    node = shutil.which("node")
    assert node, "node is not installed; `make test` installs it"
    assert (ROOT / "tools/node/node_modules").is_dir(), "the npm packages are missing; `make test` installs them"
    process = await asyncio.create_subprocess_exec(
        node, str(ROOT / "tools/node/decode-sparkplug.js"), *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(given.encode()), 30)
    assert process.returncode == 0
    return out.decode()


async def decoded(messages: Sequence[tuple[str, bytes]]) -> list[Decoded]:
    lines = "".join(json.dumps({"topic": topic, "hex": payload.hex()}) + "\n" for topic, payload in messages)
    return [json.loads(line) for line in (await tahu(given=lines)).splitlines()]


def kinds(messages: Sequence[Decoded]) -> list[str]:
    return [each["topic"].split("/")[2] for each in messages]


def value(message: Decoded, name: str) -> Any:
    return next(m["value"] for m in message["metrics"] if m["name"] == name)


def corpus(name: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads((RELEASED / f"{name}.json").read_text())["message"]
    return message


async def test_every_kind_of_metric_is_read_as_it_was_meant() -> None:
    metrics = [
        Metric("whole", DataType.INT64, 2**40, 1_764_000_000_000),
        Metric("charge", DataType.DOUBLE, -1.5e-9, 1_764_000_000_001, "C"),
        Metric("no value", DataType.DOUBLE, None, 5, "µGy"),
        Metric("flags", DataType.STRING, "overload; 20 µ", 6),
        Metric("empty", DataType.STRING, "", 7),
        Metric("yes", DataType.BOOLEAN, True, 8),
        Metric("no", DataType.BOOLEAN, False, 9),
    ]
    (message,) = await decoded([("t", encode(1_764_000_000_002, 255, metrics))])
    assert (message["timestamp"], message["seq"]) == (1_764_000_000_002, 255)
    assert [(m["name"], m["value"], m["timestamp"]) for m in message["metrics"]] == [
        (m.name, m.value, m.timestamp_ms) for m in metrics
    ]
    assert [m["type"] for m in message["metrics"]] == [
        "Int64",
        "Double",
        "Double",
        "String",
        "String",
        "Boolean",
        "Boolean",
    ]
    assert message["metrics"][1]["properties"] == {"engUnit": {"type": "String", "value": "C"}}


@given(st.binary(max_size=200))
def test_a_command_that_is_no_protobuf_is_a_value_error_and_never_a_rebirth_by_chance(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert booleans(data).get("Node Control/Rebirth") is not True


async def test_a_rebirth_command_of_another_program_is_understood() -> None:
    command = bytes.fromhex((await tahu("rebirth")).strip())
    assert booleans(command) == {"Node Control/Rebirth": True}
    assert booleans(encode(1, None, [Metric("Node Control/Rebirth", DataType.BOOLEAN, False, 1)])) == {
        "Node Control/Rebirth": False
    }


async def test_the_sequence_wraps_at_255_and_a_rebirth_begins_it_anew() -> None:
    session = Session(NODE, 9, ["e-1"])
    states = [State(state=each, since="x") for each in ("ready", "measuring")]
    messages = [*session.births()]
    for n in range(300):
        messages += session.state("e-1", states[n % 2])
    messages += session.births()
    found = await decoded(messages)
    assert [m["seq"] for m in found[:301]] == [n % 256 for n in range(301)]
    assert kinds(found[:3]) == ["NBIRTH", "DBIRTH", "DDATA"]
    assert (kinds(found[301:]), [m["seq"] for m in found[301:]]) == (["NBIRTH", "DBIRTH"], [0, 1])
    assert value(found[301], "bdSeq") == value(found[0], "bdSeq") == 9


async def test_values_are_born_before_they_are_told_and_an_overload_is_null() -> None:
    session = Session(NODE, 0, ["e-1"])
    good, bad = corpus("readings-with-elapsed_s"), corpus("readings-flag-overload")
    messages = [*session.births(), *session.state("e-1", State(state="ready", since="x"))]
    for batch in (good, bad, good, bad):  # what comes again is not told again
        messages += session.readings("e-1", readings_of(canonical(batch)))
    nbirth, empty, dbirth, first, second = await decoded(messages)
    assert kinds([nbirth, empty, dbirth, first, second]) == ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA", "DDATA"]
    assert value(dbirth, "charge") is None
    assert next(m for m in dbirth["metrics"] if m["name"] == "charge")["properties"]["engUnit"]["value"] == "C"
    assert (value(first, "charge"), value(first, "charge/flags"), value(first, "seq")) == (0.0, "", 8)
    assert (value(second, "charge"), value(second, "charge/flags"), value(second, "seq")) == (None, "overload", 11)
    assert {m["name"] for m in first["metrics"]} <= {m["name"] for m in dbirth["metrics"]}


def test_the_journal_of_a_stream_that_has_ended_is_not_shown_as_present() -> None:
    session = Session(NODE, 0, ["e-1"])
    list(session.state("e-1", State(state="ready", since="x")))
    present = corpus("readings-with-elapsed_s")
    assert [*session.readings("e-1", readings_of(canonical(present | {"ended": "crash"})))] == []
    assert [*session.readings("e-1", readings_of(canonical(present)))]


async def test_an_instrument_that_is_gone_is_dead_until_it_is_there_again() -> None:
    session = Session(NODE, 0, ["e-1"])
    messages = [*session.births()]
    for state in ("starting", "ready", "measuring", "fault", "fault", "ready", "offline"):
        messages += session.state("e-1", State.model_validate({"state": state, "since": "x"}))
    found = await decoded(messages)
    assert kinds(found) == ["NBIRTH", "DBIRTH", "DDATA", "DDEATH", "DBIRTH", "DDEATH"]
    assert [m["seq"] for m in found] == list(range(6))


class Host:
    """A Sparkplug host: everything under spBv1.0, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    async def listen(self, broker: Mosquitto, subscribed: asyncio.Event) -> None:
        async with connect(broker.endpoint, "host") as connection:
            await connection.subscribe("spBv1.0/#")
            subscribed.set()
            async for message in connection.messages():
                assert not message.retained
                if "/NCMD/" not in message.topic:  # the test's own
                    self.heard.append((message.topic, message.payload))

    def count(self, kind: str) -> int:
        return sum(topic.split("/")[2] == kind for topic, _ in self.heard)


@asynccontextmanager
async def hosted(folder: Path, bus: str) -> AsyncIterator[tuple[Mosquitto, Host, Path]]:
    async with running_mosquitto(folder) as broker:
        text = CONFIG.format(port=broker.port).replace("[spool]", f"[bus]\n{bus}\n[spool]")
        (folder / "service.toml").write_text(text)
        host, subscribed = Host(), asyncio.Event()
        task = asyncio.create_task(host.listen(broker, subscribed))
        await asyncio.wait_for(subscribed.wait(), 10)
        try:
            yield broker, host, folder / "service.toml"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


ON = 'sparkplug_group = "clinic-group"'


async def test_birth_data_rebirth_and_an_orderly_death_of_the_running_service(tmp_path: Path) -> None:
    async with hosted(tmp_path, ON) as (broker, host, config):
        async with service(load(config)):
            await until(lambda: host.count("DDATA") >= 3, 40)
            async with connect(broker.endpoint, "asker") as asker:
                await asker.publish(NODE.topic("NCMD"), b"\xff\xff junk")
                await asker.publish(NODE.topic("NCMD"), bytes.fromhex((await tahu("rebirth")).strip()))
            await until(lambda: host.count("NBIRTH") == 2 and host.count("DBIRTH") >= 2, 40)
            after = len(host.heard)
            await until(lambda: len(host.heard) > after + 3, 40)
        await until(lambda: host.count("NDEATH") == 1, 40)
        first_run = len(host.heard)
        async with service(load(config)):
            await until(lambda: len(host.heard) > first_run and host.count("NBIRTH") == 3, 40)
        found = await decoded(host.heard)
    assert kinds(found)[:2] == ["NBIRTH", "DBIRTH"]
    births = [n for n, kind in enumerate(kinds(found)) if kind == "NBIRTH"]
    end = kinds(found).index("NDEATH")
    for begin, stop in ((births[0], births[1]), (births[1], end)):
        assert [m["seq"] for m in found[begin:stop]] == [n % 256 for n in range(stop - begin)]
    assert [value(found[n], "bdSeq") for n in births] == [0, 0, 1]
    assert value(found[end], "bdSeq") == 0
    assert "seq" not in found[end]
    assert {each["topic"].split("/")[1] for each in found} == {"clinic-group"}
    data = [m for m in found if m["topic"] == NODE.topic("DDATA", "electrometer-1")]
    told = [value(m, "charge") for m in data if any(each["name"] == "charge" for each in m["metrics"])]
    assert told
    assert all(isinstance(each, (int, float)) for each in told)


@pytest.mark.slow
async def test_a_killed_process_is_dead_by_its_will(tmp_path: Path) -> None:
    async with hosted(tmp_path, ON) as (_, host, config):
        process = Process(tmp_path, "acquire", "run", str(config))
        await process.start()
        try:
            await until(lambda: host.count("DDATA") >= 1, 40)
        finally:
            await process.kill()
        await until(lambda: host.count("NDEATH") == 1, 40)
        found = await decoded(host.heard)
    birth, death = found[0], found[-1]
    assert kinds([birth, death]) == ["NBIRTH", "NDEATH"]
    assert value(birth, "bdSeq") == value(death, "bdSeq") == 0


async def test_nothing_is_said_in_sparkplug_unless_asked_for(tmp_path: Path) -> None:
    async with hosted(tmp_path, "") as (_, host, config):
        async with service(load(config)) as running:
            await until(lambda: running.runners["electrometer-1"].appended > 3, 40)
        assert host.heard == []


async def test_a_state_that_is_only_repeated_says_nothing_new() -> None:
    session = Session(NODE, 9, ["e-1"])
    ready = State(state="ready", since="x")
    assert len([*session.state("e-1", ready)]) == 1
    later = ready.model_copy(update={"valid_until": "2027-02-03T09:01:00Z"})
    assert [*session.state("e-1", later)] == []
    assert len([*session.state("e-1", State(state="offline", since="x"))]) == 1


async def test_a_state_retained_in_an_earlier_life_gives_birth_to_nothing(tmp_path: Path) -> None:
    node = EdgeNode(Topics("clinic"), NODE, ["e-1"], tmp_path / "bdseq")
    session = Session(NODE, 9, ["e-1"])
    lapsed = State(state="ready", since="x", valid_until="2026-01-01T00:00:00Z").model_dump_json(by_alias=True).encode()
    topic = Topics("clinic").state("e-1")
    assert [*node._messages_of(session, Received(topic, lapsed, retained=True))] == []
    assert len([*node._messages_of(session, Received(topic, lapsed))]) == 1, "what comes live is there"
