"""Role x action x topic on a real Mosquitto under the generated configuration: what must not work does not.

A refused publish is shown twice: by the broker's reason code, and by not arriving at a witness who may read all.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import paho.mqtt.client as paho
import pytest
from certificates import Authority
from guarded import ROLES, Guarded, guarded
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from waiting import until

from acquire.broker.access import Role
from acquire.bus.client import BusError, Connection, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.tls import Secret, Tls

SITE = "dosimetry/v1/clinic"
WITNESS = Role("witness", "viewer")

# topic under the site (or absolute): who may publish there. Everybody else may not.
MAY_PUBLISH: dict[str, set[str]] = {
    "electrometer-1/readings": {"room-1"},
    "electrometer-1/state": {"room-1"},
    "electrometer-2/readings": {"room-2"},
    "electrometer-2/state": {"room-2"},
    "electrometer-3/readings": set(),
    "electrometer-3/state": set(),
    "electrometer-1/committed": {"store"},
    "electrometer-2/committed": {"store"},
    "electrometer-3/committed": set(),
    "electrometer-1/command/begin": {"operator"},
    "electrometer-2/command/zero": {"operator"},
    "electrometer-3/command/zero": set(),
    "daemon/state": set(),
    "daemon/room-1/state": {"room-1"},
    "daemon/room-2/state": {"room-2"},
    "daemon/store/state": {"store"},
    "daemon/batch": set(),
    "daemon/room-1/batch": {"room-1"},
    "daemon/room-2/batch": {"room-2"},
    "daemon/batch-committed": {"store"},
    "daemon/room-1/batch-committed": {"store"},
    "clients/console-1/replies": {"room-1", "room-2"},
    "clients/console-1/other": set(),
    "sessions/s-1/events": {"store"},
    "daemon/anchor": {"store"},
    "electrometer-1/readings/more": set(),
    "electrometer-1": set(),
    "/dosimetry/v1/other/electrometer-1/readings": set(),
    "/dosimetry/v2/clinic/electrometer-1/readings": set(),
    "/elsewhere": set(),
    "/$SYS/broker/uptime": set(),
}
# topic: who may read what is published there.
MAY_READ: dict[str, set[str]] = {
    "electrometer-1/readings": {"store", "operator", "viewer"},
    "electrometer-1/committed": {"room-1", "operator", "viewer"},
    "electrometer-2/committed": {"room-2", "operator", "viewer"},
    "electrometer-1/command/begin": {"room-1", "operator", "viewer"},
    "electrometer-1/state": {"operator", "viewer"},
    "clients/console-1/replies": {"operator", "viewer"},
    "sessions/s-1/events": {"operator", "viewer"},
    "daemon/room-1/state": {"operator", "viewer"},
    "daemon/room-1/batch": {"store", "operator", "viewer"},
    "daemon/room-1/batch-committed": {"room-1", "operator", "viewer"},
}
PEOPLE = [role.name for role in ROLES]


def absolute(topic: str) -> str:
    return topic[1:] if topic.startswith("/") else f"{SITE}/{topic}"


def paho_client(endpoint: Endpoint) -> paho.Client:
    """A client that is not ours, so that the broker is asked and not our adapter."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    assert endpoint.tls is not None
    client.tls_set_context(endpoint.tls.context())
    if endpoint.username:
        client.username_pw_set(endpoint.username, endpoint.password.read() if endpoint.password else None)
    return client


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[tuple[paho.Client, dict[int, int]]]:
    """A client, and the reason code of each publish by its message id."""
    client, codes = paho_client(endpoint), {}

    def on_publish(c: Any, userdata: Any, mid: int, reason: Any, properties: Properties | None) -> None:
        codes[mid] = reason.value

    client.on_publish = on_publish
    client.connect(endpoint.host, endpoint.port)
    client.loop_start()
    try:
        yield client, codes
    finally:
        client.disconnect()
        client.loop_stop()


@asynccontextmanager
async def witness(broker: Guarded) -> AsyncIterator[dict[str, bytes]]:
    """Everything the site carries, and whatever else the witness is given, by topic."""
    seen: dict[str, bytes] = {}
    async with connect(broker.endpoint("witness"), "witness") as connection:
        await connection.subscribe("#")
        await connection.subscribe("$SYS/#")

        async def listen() -> None:
            async for message in connection.messages():
                seen[message.topic] = message.payload

        task = asyncio.create_task(listen())
        try:
            yield seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def arrived(seen: dict[str, bytes], name: str) -> set[str]:
    """Topics whose last message is this one's."""
    return {topic for topic in MAY_PUBLISH if seen.get(absolute(topic)) == name.encode()}


def publish_all(endpoint: Endpoint, topics: list[str], payload: bytes) -> dict[str, int]:
    """Reason code of each topic."""
    with connected(endpoint) as (client, codes):
        sent = {topic: client.publish(absolute(topic), payload, qos=1) for topic in topics}
        for each in sent.values():
            each.wait_for_publish(10)
        return {topic: codes[each.mid] for topic, each in sent.items()}


@pytest.mark.parametrize("identify", ["certificates", "passwords"])
async def test_each_role_publishes_what_it_must_and_nothing_else(tmp_path: Path, identify: Any) -> None:
    async with guarded(tmp_path, identify, [*ROLES, WITNESS]) as broker, witness(broker) as seen:
        for name in PEOPLE:
            codes = await asyncio.to_thread(publish_all, broker.endpoint(name), list(MAY_PUBLISH), name.encode())
            refused = {topic for topic, code in codes.items() if code == 0x87}
            assert {topic for topic, code in codes.items() if code not in (0x00, 0x10)} == refused
            assert refused == {topic for topic, who in MAY_PUBLISH.items() if name not in who}, name
            may = {topic for topic, who in MAY_PUBLISH.items() if name in who}
            await until(lambda may=may, name=name: arrived(seen, name) >= may)
            assert arrived(seen, name) == may, name
        assert {topic for topic in seen if not topic.startswith(SITE)} == set()  # not even $SYS


async def test_each_role_reads_what_it_must_and_nothing_else(tmp_path: Path) -> None:
    owner = {t: sorted(MAY_PUBLISH[t])[0] for t in MAY_READ}
    async with guarded(tmp_path, "certificates", ROLES) as broker:
        for reader in PEOPLE:
            async with connect(broker.endpoint(reader), f"reader-{reader}") as connection:
                await connection.subscribe("#")
                await connection.subscribe("$SYS/#")
                for topic, writer in owner.items():
                    async with connect(broker.endpoint(writer), "writer") as writing:
                        await writing.publish(absolute(topic), reader.encode(), retain=topic.endswith("state"))
                may = {absolute(t) for t, who in MAY_READ.items() if reader in who}
                got = await drained(connection, may)
            assert got == may, reader


async def test_retained_states_are_read_by_those_who_may(tmp_path: Path) -> None:
    """A retained message is checked when it is handed out, not when it is subscribed to."""
    topic = absolute("electrometer-1/state")
    async with guarded(tmp_path) as broker:
        async with connect(broker.endpoint("room-1"), "writer") as writing:
            await writing.publish(topic, b"ready", retain=True)
        for reader, may in (("viewer", True), ("room-2", False), ("store", False)):
            async with connect(broker.endpoint(reader), "reader") as connection:
                await connection.subscribe(topic)
                expected = {topic} if may else set()
                assert await drained(connection, expected) == expected, reader


async def drained(connection: Connection, expected: set[str]) -> set[str]:
    """Topics of what comes until nothing has come for half a second; what is expected has longer."""
    topics: set[str] = set()
    messages = connection.messages()
    while True:
        try:
            async with asyncio.timeout(0.5 if topics >= expected else 10):
                topics.add((await anext(messages)).topic)
        except TimeoutError:
            return topics


@pytest.mark.parametrize(("topic", "arrives"), [("electrometer-1/state", True), ("electrometer-2/state", False)])
async def test_a_last_will_has_the_rights_of_its_client(tmp_path: Path, topic: str, arrives: bool) -> None:
    async with guarded(tmp_path, "certificates", [*ROLES, WITNESS]) as broker, witness(broker) as seen:
        client = paho_client(broker.endpoint("room-1"))
        client.will_set(absolute(topic), b"offline", qos=1, retain=True)
        await asyncio.to_thread(client.connect, "127.0.0.1", broker.port)

        def is_in() -> bool:
            client.loop_read()
            return client.is_connected()

        await until(is_in, what="CONNACK")
        sock = client.socket()
        assert sock is not None
        sock.close()  # gone without a word: the broker says the will
        if arrives:
            await until(lambda: absolute(topic) in seen, what="the last will")
        else:
            await asyncio.sleep(2)
            assert absolute(topic) not in seen


async def test_nobody_gets_in_without_being_known(tmp_path: Path) -> None:
    """No certificate, another authority's, an expired one; each with the sentence that says so."""
    async with guarded(tmp_path) as broker:
        other = Authority(tmp_path / "other", "another authority")
        forged, key = other.issue("store")
        old, old_key = broker.authority.issue("room-1", file="old", validity=("20200101000000Z", "20200201000000Z"))
        ca = broker.authority.certificate
        cases = [
            (broker.tls(None), "it wants a certificate from us; name cert_file and key_file"),
            (Tls(ca, forged, key), "it does not know the authority that signed our certificate"),
            (Tls(ca, old, old_key), "our certificate has expired; renew it"),
            (None, "it closed the connection before it answered; does it ask for TLS"),
        ]
        for tls, sentence in cases:
            with pytest.raises(BusError) as caught:
                async with connect(Endpoint("127.0.0.1", broker.port, tls=tls, username="store"), "x"):
                    pass
            assert f"127.0.0.1:{broker.port}: {sentence}" in str(caught.value)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_nobody_gets_in_with_a_wrong_password_or_none(tmp_path: Path, protocol: Any) -> None:
    async with guarded(tmp_path, "passwords") as broker:
        (tmp_path / "wrong").write_text("hunter2\n")
        for name, password in (
            (None, None),
            ("viewer", None),
            ("viewer", Secret(tmp_path / "wrong")),
            ("nobody", None),
        ):
            endpoint = Endpoint("127.0.0.1", broker.port, protocol, name, password, broker.tls(None))
            with pytest.raises(BusError, match="it refuses the user name or password"):
                async with connect(endpoint, "x"):
                    pass
        async with connect(broker.endpoint("viewer", protocol), "x"):
            pass


async def test_a_certificate_of_the_authority_without_a_role_may_do_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path, "certificates", [*ROLES, WITNESS]) as broker, witness(broker) as seen:
        broker.authority.issue("stranger")
        codes = await asyncio.to_thread(publish_all, broker.endpoint("stranger"), list(MAY_PUBLISH), b"stranger")
        assert set(codes.values()) == {0x87}
        assert seen == {}


async def test_the_name_in_the_certificate_counts_and_not_the_one_that_is_said(tmp_path: Path) -> None:
    async with guarded(tmp_path) as broker:
        claims = Endpoint("127.0.0.1", broker.port, username="store", tls=broker.tls("viewer"))
        codes = await asyncio.to_thread(publish_all, claims, ["electrometer-1/committed"], b"{}")
        assert codes == {"electrometer-1/committed": 0x87}


@pytest.mark.parametrize(("version", "gets_in"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
async def test_tls_older_than_1_2_is_refused(tmp_path: Path, version: str, gets_in: bool) -> None:
    async with guarded(tmp_path) as broker:
        folder = broker.authority.folder
        command = [
            "openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}", version, "-cipher", "ALL:@SECLEVEL=0",
            "-cert", "viewer.crt", "-key", "viewer.key", "-CAfile", "ca.crt",
        ]  # fmt: skip
        done = await asyncio.to_thread(
            lambda: subprocess.run(command, cwd=folder, capture_output=True, input=b"", timeout=20, check=False)
        )
        assert (b"BEGIN CERTIFICATE" in done.stdout) == gets_in
        assert (b"alert protocol version" in done.stderr) == (not gets_in)


async def test_a_topic_with_wildcards_or_nothing_in_it_ends_the_connection(tmp_path: Path) -> None:
    """No client library sends these; the bytes are written by hand."""
    async with guarded(tmp_path, "certificates", [*ROLES, WITNESS]) as broker, witness(broker) as seen:
        for topic in (
            "dosimetry/v1/clinic/+/readings",
            "dosimetry/v1/clinic/#",
            "dosimetry/v1/clinic/a\0b/readings",
            "",
        ):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", broker.port, ssl=broker.tls("room-1").context(), server_hostname="127.0.0.1"
            )
            writer.write(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0f\x00\x01" + uuid4().hex[:1].encode())
            assert (await asyncio.wait_for(reader.readexactly(4), 5))[3] == 0
            body = len(topic.encode()).to_bytes(2, "big") + topic.encode() + b"payload"
            writer.write(bytes([0x30, len(body)]) + body)
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        assert seen == {}


async def test_a_packet_over_the_limit_ends_its_connection_and_no_other(tmp_path: Path) -> None:
    async with guarded(tmp_path, "certificates", [*ROLES, WITNESS]) as broker, witness(broker) as seen:
        topic = absolute("electrometer-1/readings")
        with pytest.raises(BusError):
            async with connect(broker.endpoint("room-1", "3.1.1"), "x") as connection:
                await connection.publish(topic, b"x" * 2_000_000)
        async with connect(broker.endpoint("room-1"), "x") as connection:
            await connection.publish(topic, b"x" * 1_048_576)
        await until(lambda: seen)
        assert {t: len(p) for t, p in seen.items()} == {topic: 1_048_576}


async def test_our_client_says_once_that_a_topic_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with guarded(tmp_path) as broker, connect(broker.endpoint("viewer"), "x") as connection:
        for _ in range(3):
            await connection.publish(absolute("electrometer-1/readings"), b"{}")
    said = capsys.readouterr().out
    assert said.count("the broker does not take what is published here") == 1
    assert "electrometer-1/readings" in said
