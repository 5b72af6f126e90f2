"""After a power cut of host and broker a retained "ready" stands there with nobody behind it: what a person is told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from brokers import Mosquitto, running_mosquitto
from command_line import acquire_beside

from acquire.bus.client import Received, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.instrument_client import NotDone, instrument_client
from acquire.bus.messages import Accepts, Answer, Command, State
from acquire.bus.names import Topics
from acquire.bus.presence import Presence, Watch
from acquire.cli.tailing import Tail

TOPICS = Topics("field")
TOPIC = TOPICS.state("tld-1")
SINCE = "2027-02-03T08:00:00.000000Z"


def ready(age_s: float, valid_s: float = 60) -> State:
    """A state told so long ago."""
    end = datetime.now(UTC) + timedelta(seconds=valid_s - age_s)
    peek = Accepts(name="peek", title="Look", parameters={"type": "object", "properties": {}})
    return State(state="ready", since=SINCE, valid_until=end.isoformat(), commands=[peek])


async def retain(endpoint: Endpoint, state: State, expires_s: int | None = None) -> None:
    async with connect(endpoint, "host") as host:
        payload = state.model_dump_json(by_alias=True, exclude_none=True).encode()
        await host.publish(TOPIC, payload, retain=True, expires_s=expires_s)


async def acquire(*arguments: str) -> tuple[int, str, str]:
    done = await acquire_beside(*arguments)
    return done.returncode, done.stdout, done.stderr


def of(broker: Mosquitto, protocol: str) -> tuple[str, ...]:
    return ("--host", "127.0.0.1", "--port", str(broker.port), "--protocol", protocol)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_lapsed_state_is_listed_as_nothing_known_and_a_request_is_refused(
    tmp_path: Path, protocol: str
) -> None:
    state = ready(3600)
    async with running_mosquitto(tmp_path) as broker:
        await retain(broker.endpoint, state)
        where = (*of(broker, protocol), "--site", "field")
        code, out, _ = await acquire("command", "tld-1", "--list", *where)
        assert (code, out.splitlines()[0]) == (
            0, f"tld-1: nothing known since {state.valid_until}; it was ready then.",
        )  # fmt: skip
        assert " yes" not in out
        code, out, _ = await acquire("command", "tld-1", "--list", "--json", *where)
        found = json.loads(out)
        assert (found["state"], found["last"], found["nothing_known_since"]) == ("unknown", "ready", state.valid_until)
        assert [each["now"] for each in found["commands"]] == [False]
        code, out, err = await acquire("command", "tld-1", "peek", "--by", "MP-1", *where)
        assert (code, out) == (1, "")
        assert f"nothing known since {state.valid_until}" in err
        code, out, _ = await acquire("tail", "dosimetry/v1/field/#", "-n", "1", *of(broker, protocol))
        assert without_time(out) == f"field/tld-1/state  nothing known since {state.valid_until}; it was ready then\n"


@pytest.mark.parametrize(("protocol", "left"), [("5", True), ("3.1.1", False)])
async def test_the_broker_gets_an_expiry_and_says_what_is_left_of_it(
    tmp_path: Path, protocol: Literal["5", "3.1.1"], left: bool
) -> None:
    """Mosquitto 2.0.11 keeps it with its storage: after a power cut its own clock lets go of the state (by hand)."""
    async with running_mosquitto(tmp_path) as broker:
        endpoint = replace(broker.endpoint, protocol=protocol)
        async with connect(endpoint, "host") as host, connect(broker.endpoint, "viewer") as viewer:
            telling = asyncio.create_task(Presence(TOPIC, lambda: ready(0)).keep_told(host))
            await viewer.subscribe(TOPIC)
            live = await anext(aiter(viewer.messages()))
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        async with connect(broker.endpoint, "late") as late:
            await late.subscribe(TOPIC)
            retained = await anext(aiter(late.messages()))
    assert (live.expires_s is not None, retained.expires_s is not None, retained.retained) == (left, left, True)
    assert not left or 50 <= (retained.expires_s or 0) <= 60


@asynccontextmanager
async def answering(endpoint: Endpoint) -> AsyncIterator[list[str]]:
    """Somebody who is there and refuses what is meant for another run, as the service does."""
    asked: list[str] = []

    async def serve() -> None:
        async with connect(endpoint, "service") as connection:
            await connection.subscribe(TOPICS.command("tld-1", "+"))
            async for message in connection.messages():
                command = Command.model_validate_json(message.payload)
                asked.append(f"{message.topic.rsplit('/', 1)[1]} {command.run is not None}")
                answer = Answer(id=command.id, ok=command.run is None, error="another run" if command.run else None)
                assert command.reply_to is not None
                await connection.publish(command.reply_to, answer.model_dump_json(by_alias=True).encode())

    task = asyncio.create_task(serve())
    try:
        yield asked
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_live_service_is_not_called_dead_because_clocks_are_apart(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, answering(broker.endpoint) as asked:
        await retain(broker.endpoint, ready(600))
        async with instrument_client(broker.endpoint, TOPICS, "MP-1", timeout_s=10) as client:
            assert (await client.ask("tld-1", "peek", {})).ok
        assert asked == ["look True", "peek False"]


async def test_nothing_is_asked_of_somebody_who_went_and_the_sentence_says_since_when(tmp_path: Path) -> None:
    state = ready(600)
    async with running_mosquitto(tmp_path) as broker:
        await retain(broker.endpoint, state)
        async with instrument_client(broker.endpoint, TOPICS, "MP-1", timeout_s=30) as client:
            with pytest.raises(NotDone) as refused:
                await client.ask("tld-1", "peek", {})
    assert str(refused.value) == (
        f"Nothing is known of tld-1 since {state.valid_until}, it was ready then; is `acquire run` up?"
        " Nothing was asked."
    )


def without_time(said: str) -> str:
    """A line of a tail without when that was, which stands before it."""
    assert re.match(r"(\d\d:\d\d:\d\d|\d\d-\d\d \d\d:\d\d)  ", said)
    return said.partition("  ")[2]


def message(state: State, *, retained: bool) -> Received:
    """What a tail takes."""
    return Received(TOPIC, state.model_dump_json(by_alias=True, exclude_none=True).encode(), retained=retained)


def test_tail_shows_a_repetition_once_and_its_end_once(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tail = Tail(as_json=False, watch=Watch(monotonic=lambda: now[0]))
    for age in (3, 2, 1):
        tail.take(message(ready(age), retained=False))
    assert without_time(capsys.readouterr().out) == "field/tld-1/state  ready\n"
    now[0] = 61.0
    tail.look()
    tail.look()
    assert "nothing known since" in (said := capsys.readouterr().out)
    assert said.count("\n") == 1
    tail.take(message(ready(0), retained=False))
    assert without_time(capsys.readouterr().out) == "field/tld-1/state  ready\n", (
        "it is news that somebody is there again"
    )


def test_tail_says_when_clocks_are_apart(capsys: pytest.CaptureFixture[str]) -> None:
    tail = Tail(as_json=True)
    for _ in range(2):
        tail.take(message(ready(600), retained=False))
    said = capsys.readouterr()
    assert said.err == "The clock of field/tld-1/state is 600 s behind this machine's; set them.\n"
    assert [json.loads(line)["message"]["state"] for line in said.out.splitlines()] == ["ready", "ready"]
    assert "nothing_known_since" not in said.out
