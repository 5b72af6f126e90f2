"""Home Assistant and Sparkplug under the access rules of `acquire broker config`: allowed only where asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from guarded import guarded
from test_contract_on_the_wire import CONFIG

from acquire.broker.access import Role, Rule, roles_of
from acquire.bus.client import connect
from acquire.bus.homeassistant import HomeAssistant
from acquire.bus.messages import State
from acquire.bus.names import Topics
from acquire.bus.sparkplug import Node
from acquire.bus.sparkplug_node import EdgeNode
from acquire.config import load

TOPICS = Topics("clinic")
EVERYTHING = (Rule("read", "homeassistant/#"), Rule("read", "spBv1.0/#"))


def roles(folder: Path, bus: str) -> list[Role]:
    text = CONFIG.format(port=1883).replace("[spool]", f"[bus]\n{bus}\n[spool]")
    (folder / "service.toml").write_text(text.replace('mode = "external"', 'mode = "external"\nusername = "room"'))
    return [*roles_of(load(folder / "service.toml")), Role("witness", "viewer", also=EVERYTHING)]


async def heard(folder: Path, bus: str, *, within_s: float) -> set[str]:
    """Kinds of topics that arrive while both parts run under the rules of this configuration."""
    found: set[str] = set()
    async with guarded(folder, "certificates", roles(folder, bus)) as broker:
        parts = (
            HomeAssistant(TOPICS, ["electrometer-1"]).run(broker.endpoint("room")),
            EdgeNode(TOPICS, Node.of("g", "clinic", None), ["electrometer-1"], folder / "bdseq").run(
                broker.endpoint("room")
            ),
        )
        async with (
            connect(broker.endpoint("witness"), "witness") as witness,
            connect(broker.endpoint("room"), "r") as room,
        ):
            await witness.subscribe("#")
            tasks = [asyncio.create_task(part) for part in parts]
            state = State(state="ready", since="2026-11-24T00:00:00Z", model="6517B").model_dump_json(by_alias=True)
            await room.publish(TOPICS.state("electrometer-1"), state.encode(), retain=True)
            try:
                async with asyncio.timeout(within_s):
                    async for message in witness.messages():
                        level = message.topic.split("/")
                        found |= {level[2] if level[0] == "spBv1.0" else level[0]}
                        if b"6517B" in message.payload and level[0] == "homeassistant":
                            found |= {"learned"}
                        if found >= {"learned", "DBIRTH"}:
                            break
            except TimeoutError:
                pass
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return found - {"dosimetry"}


async def test_what_is_asked_for_is_allowed(tmp_path: Path) -> None:
    both = 'home_assistant = true\nsparkplug_group = "g"'
    assert await heard(tmp_path, both, within_s=20) == {"homeassistant", "learned", "NBIRTH", "DBIRTH"}


async def test_what_is_not_asked_for_is_not(tmp_path: Path) -> None:
    assert await heard(tmp_path, "", within_s=3) == set()
