"""What the running service publishes, seen by Mosquitto's client: channels, QoS and retained flags of the contract."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from uuid import uuid4

from brokers import running_mosquitto
from jsonschema import Draft202012Validator

from acquire.bus.contract import QOS, asyncapi, file_name, json_schemas
from acquire.bus.instrument_client import instrument_client
from acquire.config import load
from acquire.service import service

CONFIG = """
site = "clinic"
[broker]
mode = "external"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
seed = 1
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "simulator:sim"
settings = {{ function = "charge", range_si = 2e-8 }}
"""


def channel_of(topic: str) -> str:
    """The one channel of the document that a topic belongs to; literal levels go before parameters."""
    found = []
    for name, channel in asyncapi()["channels"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(channel["address"]))
        if re.fullmatch(pattern, topic):
            found.append((channel["address"].count("{"), name))
    assert found, f"{topic} is no topic of the contract"
    return min(found)[1]


async def test_topics_payloads_qos_and_retained_flags_are_the_documents(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        (tmp_path / "service.toml").write_text(CONFIG.format(port=broker.port))
        listening = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-p", str(broker.port), "-V", "5", "-q", "1", "--retain-as-published", "-t", "#",
            "-F", "%q %r %t %p", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with service(load(tmp_path / "service.toml")) as running:
            for _ in range(400):
                if running.runners["electrometer-1"].state.state == "ready":
                    break
                await asyncio.sleep(0.05)
            asked = {"measurement": str(uuid4()), "session": "s-1", "step": "b1"}
            async with instrument_client(running.endpoint, running.topics, "test", timeout_s=10) as asker:
                await asker.command("electrometer-1", "begin", asked)
                await asyncio.sleep(1)
                await asker.command("electrometer-1", "end", asked)
            assert await running.confirmed(10)
            await asyncio.sleep(1)
        await asyncio.sleep(0.3)
        listening.terminate()
        out, _ = await asyncio.wait_for(listening.communicate(), 10)
    check(out.decode().splitlines())


def check(lines: list[str]) -> None:
    document, schemas = asyncapi(), json_schemas()
    bindings = {
        operation["channel"]["$ref"].rsplit("/", 1)[1]: operation["bindings"]["mqtt"]
        for operation in document["operations"].values()
    }
    seen = set()
    for line in lines:
        qos, retained, topic, payload = line.split(" ", 3)
        name, message = channel_of(topic), json.loads(payload)
        channel = document["channels"][name]
        assert f"{message['schema'].replace('/', '_')}" in channel["messages"], topic
        Draft202012Validator(schemas[file_name(message["schema"])]).validate(message)
        binding = bindings.get(name, {"qos": QOS, "retain": False})  # replies have no operation of their own
        assert (int(qos), retained == "1") == (binding["qos"], binding["retain"]), topic
        seen.add(name)
    assert seen == {
        "storeState",
        "readings",
        "committed",
        "state",
        "daemonState",
        "sessionEvents",
        "command",
        "replies",
        "anchor",
    }
