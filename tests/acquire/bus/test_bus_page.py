"""docs/bus.md runs: its messages are the contract's, and every example listens to real messages over a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto, running_mosquitto
from jsonschema import Draft202012Validator
from waiting import until

from acquire.bus.client import connect
from acquire.bus.contract import CHANNELS, file_name, json_schemas
from acquire.bus.messages import MESSAGES
from acquire.config import BusConfig
from drivers.reading import NO_VALUE, Flag

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "bus.md").read_text()
FLOW = json.loads((ROOT / "docs" / "contract" / "node-red-flow.json").read_text())
RELEASED = Path(__file__).parent / "released" / "0.1.0"
NODE_MODULES = ROOT / "tools" / "node" / "node_modules"

EVENTS = {"state", "step", "attached", "result", "notice"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def corpus(name: str) -> tuple[str, dict[str, Any]]:
    document = json.loads((RELEASED / f"{name}.json").read_text())
    return document["topic"].replace("/corpus/", "/clinic/"), document["message"]


SCALAR, OVERLOAD, FAULT = corpus("readings-with-elapsed_s"), corpus("readings-flag-overload"), corpus("state-fault")
SAID = (SCALAR, OVERLOAD, FAULT, corpus("committed"), corpus("event-result-pass"), corpus("readings-marker-begin"))


@asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[Mosquitto]:
    """A broker on which the same real messages are said again and again."""

    async def talk() -> None:
        async with connect(broker.endpoint, "talker") as connection:
            while True:
                for topic, message in SAID:
                    await connection.publish(topic, json.dumps(message).encode(), retain=message["schema"] == "state/1")
                said.set()
                await asyncio.sleep(0.1)

    said = asyncio.Event()
    async with running_mosquitto(folder) as broker:
        task = asyncio.create_task(talk())
        await asyncio.wait_for(said.wait(), 20)
        try:
            yield broker
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_messages_on_the_page_are_whole_and_every_schema_and_event_is_shown() -> None:
    shown = [json.loads(block) for block in blocks("json")]
    for message in shown:
        name = message["schema"]
        MESSAGES[name].model_validate(message)
        schema = json_schemas()[file_name(name)]
        Draft202012Validator(schema).validate(message)
        bodies = [schema, *schema.get("$defs", {}).values()]
        keys = {key for body in bodies for key in body.get("properties", {})}
        assert set(message) <= keys
    assert {m["schema"] for m in shown} == set(MESSAGES)
    assert {m["event"] for m in shown if m["schema"] == "event/1"} == EVENTS


def test_the_topic_table_is_the_contracts() -> None:
    rows = re.findall(r"(?m)^\| `(<site>[^`]*)` \| `([^`]+)` \| (yes|no)[^|]*\|", PAGE)
    named = {"{command}": "<name>"}
    wanted = set()
    for channel in CHANNELS:
        address = channel.address.removeprefix("dosimetry/v1/")
        for parameter in re.findall(r"\{\w+\}", address):
            address = address.replace(parameter, named.get(parameter, f"<{parameter[1:-1]}>"))
        wanted.add((address, channel.schema, "yes" if channel.retain else "no"))
    assert set(rows) == wanted


def test_the_flag_table_says_which_flags_forbid_a_number() -> None:
    rows = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| (no|yes) \|", PAGE))
    assert rows == {flag.value: "no" if flag in NO_VALUE else "yes" for flag in Flag}


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("mosquitto_sub")]


@pytest.mark.parametrize(("command", "heard"), list(zip(COMMANDS, (SCALAR, FAULT, FAULT, SAID[4]), strict=True)))
async def test_mosquitto_sub_hears_it(command: str, heard: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    async with talking(tmp_path) as broker:
        line = command.replace("-p 1883", f"-p {broker.port}") + " -C 12 -W 10"
        process = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    text = out.decode()
    bodies = [json.loads(each[each.index("{") :]) for each in text.splitlines() if each]
    assert heard[1] in bodies
    if "%t" in command:
        assert heard[0] in text
    if "retained" in command:
        assert "retained=1" in text


@pytest.fixture
def page() -> dict[str, Any]:
    """The page's Python, with a print that remembers."""
    names: dict[str, Any] = {"__name__": "bus", "printed": []}
    names["print"] = lambda *words: names["printed"].append(" ".join(str(word) for word in words))
    for n, block in enumerate(blocks("python")):
        exec(compile(block, f"bus.md, block {n}", "exec"), names)
    return names


def test_what_comes_twice_late_or_out_of_order_falls_on_itself(page: dict[str, Any]) -> None:
    kept = page["Kept"]()
    stream = SCALAR[1]["stream"]
    assert kept.take(OVERLOAD[1]) == [(OVERLOAD[1]["stream"], 11)]
    assert kept.take(SCALAR[1]) == [(stream, 8)]
    assert kept.take(SCALAR[1]) == []
    assert len(kept.entries) == 2
    committed = {"schema": "committed/1", "stream": stream, "through": 8}
    assert not kept.is_committed(stream, 8)
    assert kept.take(committed) == []
    assert kept.is_committed(stream, 8)
    assert not kept.is_committed(stream, 9)


async def test_the_aiomqtt_example_prints_each_reading_once(page: dict[str, Any], tmp_path: Path) -> None:
    async with talking(tmp_path) as broker:
        task = asyncio.create_task(page["watch"]("127.0.0.1", broker.port))
        await until(lambda: len(page["printed"]) >= 2)
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sorted(page["printed"]) == ["overloaded 11 None C overload", "overloaded 8 0.0 C"]


async def test_the_paho_example_prints_states(page: dict[str, Any], tmp_path: Path) -> None:
    async with talking(tmp_path) as broker:
        client = await asyncio.to_thread(page["listen"], "127.0.0.1", broker.port)
        await until(lambda: page["printed"])
        client.disconnect()
        client.loop_stop()
    assert page["printed"][0] == f"garbled fault {FAULT[1]['why']}"


def node() -> str:
    found = shutil.which("node")
    assert found, "node is not installed; `make test` installs it"
    assert NODE_MODULES.is_dir(), "the npm packages of tools/node are missing; `make test` installs them"
    return found


async def test_the_node_example_prints_each_reading_once(tmp_path: Path) -> None:
    (script,) = blocks("js")
    (tmp_path / "example.mjs").write_text(script)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    async with talking(tmp_path) as broker:
        process = await asyncio.create_subprocess_exec(
            node(), str(tmp_path / "example.mjs"), stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"BROKER": f"mqtt://127.0.0.1:{broker.port}"},
        )  # fmt: skip
        assert process.stdout is not None
        lines = [await asyncio.wait_for(process.stdout.readline(), 20) for _ in range(2)]
        with contextlib.suppress(TimeoutError):
            lines.append(await asyncio.wait_for(process.stdout.readline(), 0.7))
        process.kill()
        await process.communicate()
    assert sorted(lines) == [b"overloaded 11 no value C overload\n", b"overloaded 8 0 C\n"]


def test_the_node_red_flow_is_whole() -> None:
    ids = [each["id"] for each in FLOW]
    assert len(ids) == len(set(ids))
    by_type = {each["type"]: each for each in FLOW}
    assert set(by_type) == {"tab", "mqtt-broker", "mqtt in", "function", "debug"}
    for each in FLOW:
        assert all(target in ids for wire in each.get("wires", []) for target in wire)
        assert "z" not in each or each["z"] == by_type["tab"]["id"]
    assert by_type["mqtt in"]["broker"] == by_type["mqtt-broker"]["id"]
    assert by_type["mqtt in"]["topic"] == "dosimetry/v1/+/+/readings"
    assert by_type["function"]["outputs"] == len(by_type["function"]["wires"])


async def test_the_node_red_flows_function_gives_each_reading_once() -> None:
    function = next(each["func"] for each in FLOW if each["type"] == "function")
    calls = [{"topic": topic, "payload": message} for topic, message in (SCALAR, SCALAR, OVERLOAD, SAID[5])]
    script = (
        "const kept = {}; const context = {get: (k) => kept[k], set: (k, v) => { kept[k] = v; }};"
        f"const f = new Function('msg', 'context', {json.dumps(function)});"
        f"console.log(JSON.stringify({json.dumps(calls)}.map((msg) => f(msg, context))));"
    )
    process = await asyncio.create_subprocess_exec(node(), "-e", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    first, again, overload, marker = json.loads(out)
    assert [(m["instrument"], m["seq"], m["payload"], m["unit"]) for m in first[0]] == [("overloaded", 8, 0, "C")]
    assert again == [[]]
    assert [(m["payload"], m["flags"]) for m in overload[0]] == [(None, ["overload"])]
    assert marker == [[]]


def test_the_switches_on_the_page_are_the_configurations() -> None:
    (block,) = blocks("toml")
    assert set(tomllib.loads(block)["bus"]) == set(BusConfig.model_fields)
    BusConfig.model_validate(tomllib.loads(block)["bus"])
