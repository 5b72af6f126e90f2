"""What is retained after a service has gone is true: "stopped" of all it told, nothing of who left, no made-up time."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest
from brokers import Mosquitto, kept, running_mosquitto
from waiting import until

from acquire.bus.client import connect
from acquire.bus.messages import State
from acquire.bus.presence import offline
from acquire.config import load
from acquire.service import Service, service

CONFIG = """
site = "clinic"
host = "room-1"
[broker]
mode = "external"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "a"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
[[simulator]]
id = "b"
model = "keithley-6485"
listen = "tcp:127.0.0.1:0"
"""
INSTRUMENT = """
[[instrument]]
id = "{name}"
model = "{model}"
resource = "simulator:{simulator}"
"""
ONE = INSTRUMENT.format(name="one", model="keithley-6517b", simulator="a")
TWO = INSTRUMENT.format(name="two", model="keithley-6485", simulator="b")


def written(folder: Path, broker: Mosquitto, *instruments: str) -> Path:
    path = folder / "service.toml"
    path.write_text(CONFIG.format(port=broker.port) + "".join(instruments))
    return path


async def states_kept(broker: Mosquitto) -> dict[str, str]:
    """The states that the broker keeps, by topic."""
    said = await kept(broker.endpoint, "dosimetry/v1/#")
    return {
        topic.removeprefix("dosimetry/v1/clinic/"): json.loads(payload)["state"]
        for topic, payload in said.items()
        if topic.endswith("/state")
    }


async def ready(running: Service, *names: str) -> None:
    await until(lambda: all(running.runners[name].state.state == "ready" for name in names), 30)
    await until(lambda: running.publisher is not None and running.publisher.connected, 30)


async def test_all_that_is_retained_says_stopped_and_who_left_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        async with service(load(written(tmp_path, broker, ONE, TWO))) as running:
            await ready(running, "one", "two")
        here = ("daemon/room-1/state", "daemon/store/state", "one/state")
        assert await states_kept(broker) == dict.fromkeys((*here, "two/state"), "stopped")
        async with service(load(written(tmp_path, broker, ONE))) as running:
            await ready(running, "one")
            async with asyncio.timeout(20):
                while "two/state" in await states_kept(broker):  # noqa: ASYNC110 - the broker has no event
                    await asyncio.sleep(0.1)
        assert await states_kept(broker) == dict.fromkeys(here, "stopped")


async def test_what_another_host_tells_by_now_is_not_cleared(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        async with service(load(written(tmp_path, broker, ONE, TWO))) as running:
            await ready(running, "two")
        theirs = State(state="ready", since="2026-01-01T00:00:00Z", valid_until="2126-01-01T00:00:00Z")
        async with connect(broker.endpoint, "other") as other:
            await other.publish(
                "dosimetry/v1/clinic/two/state", theirs.model_dump_json(by_alias=True).encode(), retain=True
            )
        async with service(load(written(tmp_path, broker, ONE))) as running:
            await ready(running, "one")
            await asyncio.sleep(2.5)
            assert (await states_kept(broker))["two/state"] == "ready"


async def test_a_reload_begins_and_lets_go_without_touching_the_others(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, service(load(written(tmp_path, broker, ONE))) as running:
        await ready(running, "one")
        stream = running.runners["one"].state.stream
        written(tmp_path, broker, ONE, TWO)
        await running.reload()
        await ready(running, "two")
        assert running.runners["one"].state.stream == stream
        written(tmp_path, broker, ONE)
        await running.reload()
        assert sorted(running.runners) == ["one"]
        assert running.runners["one"].state.stream == stream
        assert all(not part.done() for part in running.parts)


async def test_a_reload_of_what_is_wrong_or_needs_a_restart_says_so_and_changes_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_mosquitto(tmp_path) as broker, service(load(written(tmp_path, broker, ONE))) as running:
        await ready(running, "one")
        written(tmp_path, broker, ONE.replace("keithley-6517b", "keithley-6517c"))
        await running.reload()
        assert "is wrong; nothing is changed" in capsys.readouterr().out
        assert not running.in_force
        path = written(tmp_path, broker, ONE)
        before = running.loaded.sha256
        await running.reload()
        assert (running.in_force, running.loaded.sha256) == (True, before)
        path.write_text(path.read_text().replace('host = "room-1"', 'host = "room-2"'))
        await running.reload()
        assert "waits_for_restart=['host']" in capsys.readouterr().out
        assert (running.in_force, running.loaded.sha256) == (False, hashlib.sha256(path.read_bytes()).hexdigest())
        assert sorted(running.runners) == ["one"]


def test_a_last_will_does_not_say_since_when() -> None:
    assert offline().since == "unknown"
