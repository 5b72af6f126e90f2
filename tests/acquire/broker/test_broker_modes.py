"""The three ways to have a broker, each with a real one and clients that are not ours."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from brokers import free_port, running_mosquitto

from acquire.broker import broker
from acquire.bus.client import BusError, connect
from acquire.config import BrokerConfig
from acquire.errors import Refused


@pytest.mark.parametrize(("mode", "protocol"), [("mosquitto", "5"), ("embedded", "3.1.1"), ("auto", "5")])
async def test_a_broker_of_our_own_carries_messages_and_leaves_nothing_behind(mode: str, protocol: str) -> None:
    config = BrokerConfig.model_validate({"mode": mode, "port": 0})
    async with broker(config) as endpoint:
        assert endpoint.protocol == protocol
        async with connect(endpoint, "a") as one, connect(endpoint, "b") as other:
            await other.subscribe("t/+")
            await one.publish("t/1", b"hello")
            async for message in other.messages():
                assert (message.topic, message.payload) == ("t/1", b"hello")
                break
    with pytest.raises(BusError):
        async with connect(endpoint, "late"):
            pass
    assert "embedded-broker" not in [thread.name for thread in threading.enumerate()]


async def test_a_broker_that_does_not_speak_mqtt_5_is_spoken_to_in_the_older_way() -> None:
    """With mode "auto" another process does not know which broker was found."""
    async with broker(BrokerConfig(mode="embedded", port=0)) as endpoint:
        newer = replace(endpoint, protocol="5")
        async with connect(newer, "a") as one, connect(newer, "b") as other:
            await other.subscribe("t")
            await one.publish("t", b"hello", response_topic="ignored")
            async for message in other.messages():
                assert message.payload == b"hello"
                break


@pytest.mark.parametrize("mode", ["mosquitto", "embedded"])
async def test_mosquittos_own_clients_are_served(mode: str) -> None:
    async with broker(BrokerConfig.model_validate({"mode": mode, "port": 0})) as endpoint:
        where = ["-h", endpoint.host, "-p", str(endpoint.port), "-t", "dosimetry/v1/x", "-V", "mqttv311"]
        listening = await asyncio.create_subprocess_exec(
            "mosquitto_sub", *where, "-C", "1", "-q", "1", stdout=asyncio.subprocess.PIPE
        )
        for _ in range(100):
            said = await asyncio.create_subprocess_exec("mosquitto_pub", *where, "-q", "1", "-m", "a reading")
            assert await said.wait() == 0
            if listening.returncode is not None:
                break
            await asyncio.sleep(0.05)
        out, _ = await asyncio.wait_for(listening.communicate(), 10)
        assert out == b"a reading\n"


async def test_external_is_taken_as_it_is(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as running:
        (tmp_path / "password").write_text("hunter2\n")
        config = BrokerConfig(mode="external", port=running.port, username="room-1", password_file=Path("password"))
        async with broker(config, tmp_path) as endpoint:
            assert endpoint.port == running.port
            assert endpoint.password is not None
            assert endpoint.password.read() == "hunter2"
            assert "hunter2" not in repr(endpoint)


async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", port)
    async with server:
        with pytest.raises(Refused, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            async with broker(BrokerConfig(mode="mosquitto", port=port)):
                pass


async def test_the_embedded_broker_serves_who_comes_while_another_subscribes() -> None:
    """It walks its subscriptions for whoever connects, with what is retained: another's new one must not end that."""
    async with broker(BrokerConfig(mode="embedded", port=0)) as endpoint, connect(endpoint, "busy") as busy:
        for n in range(20):
            await busy.publish(f"kept/{n}", b"state", retain=True)
            await busy.subscribe(f"kept/{n}")

        async def subscribes() -> None:
            for n in range(150):
                await busy.subscribe(f"more/{n}")

        async def comes(name: str) -> bytes:
            async with connect(endpoint, name) as client:
                await client.subscribe(f"own/{name}")
                await client.publish(f"own/{name}", name.encode())
                async for message in client.messages():
                    if message.topic.startswith("own/"):
                        return message.payload
            return b""

        subscribing = asyncio.create_task(subscribes())
        heard = await asyncio.wait_for(asyncio.gather(*(comes(f"c{n}") for n in range(20))), 20)
        await subscribing
    assert heard == [f"c{n}".encode() for n in range(20)]
