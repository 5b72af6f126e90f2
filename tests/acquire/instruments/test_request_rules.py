"""Which request may act, without a broker: topic, size, age, run, memory, and where its answer may go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.bus.client import Received
from acquire.bus.messages import Command
from acquire.bus.names import Topics
from acquire.instruments import requests
from acquire.instruments.requests import Memory, Route, Unreadable

TOPICS = Topics("clinic")
OURS = TOPICS.command("electrometer-1", "")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUN = uuid4()


def command(**keys: Any) -> Command:
    return Command.model_validate({"id": str(uuid4()), "by": "MD-1", **keys})


def payload(**keys: Any) -> bytes:
    return json.dumps({"id": "8d0f6a0e-6f0a-4f53-9e8f-2b8a2a3a1c11", "by": "MD-1", **keys}).encode()


@pytest.mark.parametrize(
    ("topic", "body", "retained", "why"),
    [
        (OURS + "zero", payload(), True, "retained by the broker"),
        (TOPICS.command("electrometer-2", "zero"), payload(), False, "not one of this instrument's commands"),
        (TOPICS.committed("electrometer-1"), payload(), False, "not one of this instrument's commands"),
        (OURS + "zero/now", payload(), False, "not one of this instrument's commands"),
        (OURS + "zero", b"x" * 65_537, False, "65537 bytes; 65536 are allowed"),
        (OURS + "zero", b"Jane Doe", False, "the message: json_invalid"),
        (OURS + "zero", payload(by="Jane\nDoe"), False, "by: string_pattern_mismatch"),
        (OURS + "zero", payload(sent="2026-11-24T12:00:00"), False, "sent: timezone_aware"),
        (OURS + "zero", payload(valid_s=301), False, "valid_s: less_than_equal"),
    ],
)
def test_what_cannot_be_a_request_is_told_without_quoting_it(topic: str, body: bytes, retained: bool, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        requests.read(Received(topic, body, None, retained), OURS)
    assert why in str(refused.value)
    assert "Jane" not in str(refused.value)


leaves = st.none() | st.booleans() | st.integers() | st.text()
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
bodies = documents | st.fixed_dictionaries(
    {"id": st.uuids().map(str), "by": st.text(max_size=5), "parameters": st.dictionaries(st.text(), documents)}
)


@given(st.binary(max_size=200) | bodies.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_request_or_unreadable(body: bytes) -> None:
    try:
        name, asked = requests.read(Received(OURS + "zero", body), OURS)
    except Unreadable:
        return
    assert name == "zero"
    requests.content_of(asked, name)


@pytest.mark.parametrize(
    ("name", "keys", "age_s", "acts"),
    [
        ("zero", {}, 10_000, True),  # says nothing of when it was sent: only the broker's word that it is not retained
        ("zero", {"valid_s": 30}, 89, True),
        ("zero", {"valid_s": 30}, 91, False),
        ("begin", {"valid_s": 30}, 91, False),
        ("zero", {"valid_s": 30}, -59, True),
        ("zero", {"valid_s": 30}, -61, False),
        ("zero", {"run": str(RUN)}, None, True),
        ("zero", {"run": str(uuid4())}, None, False),
        ("begin", {"run": str(uuid4())}, None, True),
        ("end", {"run": str(uuid4())}, None, True),
        ("end", {"valid_s": 30}, 91, True),  # a clock that is wrong must not leave a measurement running on
        ("end", {"valid_s": 30}, 86_400 * 400, True),
        ("end", {"valid_s": 30}, -86_400 * 400, True),
        ("hold", {"valid_s": 30}, 91, False),  # late it would stop the next measurement
    ],
)
def test_age_and_run_decide_whether_it_may_act(
    name: str, keys: dict[str, Any], age_s: float | None, acts: bool
) -> None:
    sent = {"sent": NOW - timedelta(seconds=age_s)} if age_s is not None and keys else {}
    said = requests.out_of_time(command(**keys, **sent), RUN, name, NOW)
    assert (said is None) is acts


def test_a_request_is_remembered_for_longer_than_it_can_be_valid() -> None:
    longest = Command.model_fields["valid_s"].metadata
    assert any(getattr(each, "le", None) == 300 for each in longest)
    assert requests.REMEMBERED_S > 300 + 2 * requests.CLOCKS_APART_S


def test_memory_forgets_what_is_old_and_takes_no_more_than_it_can_hold() -> None:
    memory = Memory()
    asked = [command() for _ in range(requests.MOST_REMEMBERED)]
    for each in asked:
        assert memory.has_room(0)
        memory.done(memory.take(each, "zero", 0), b"answer")
    assert not memory.has_room(requests.REMEMBERED_S - 1)
    known = memory.known(asked[0])
    assert known is not None
    assert known.answer == b"answer"
    assert memory.has_room(requests.REMEMBERED_S)
    assert memory.known(asked[0]) is None


def test_what_is_under_way_is_not_forgotten_however_old_and_is_bounded() -> None:
    memory = Memory()
    first = command()
    taken = memory.take(first, "zero", 0)
    for _ in range(requests.MOST_AT_ONCE - 1):
        memory.take(command(), "zero", 0)
    assert not memory.has_room(10 * requests.REMEMBERED_S)
    assert memory.known(first) is taken
    for _ in range(100):
        taken.join(Route("a", None))
    assert len(memory.done(taken, b"answer")) == requests.MOST_WAITING
    assert memory.has_room(0)


def test_the_same_request_is_the_same_in_any_order_of_its_keys_and_another_is_another() -> None:
    one, other = command(parameters={"a": 1, "b": [2]}), command(parameters={"b": [2], "a": 1})
    assert requests.content_of(one, "x") == requests.content_of(other, "x")
    assert requests.content_of(one, "x") != requests.content_of(one, "y")
    assert requests.content_of(one, "x") != requests.content_of(command(parameters={"a": 1}), "x")
    requests.content_of(command(parameters={"a": 2**80}), "x")


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        (TOPICS.reply("console-1"), True), ("lab/replies", True), ("", False), ("a/#", False), ("a/+", False),
        ("$SYS/a", False), ("$share/a/b", False), ("a\x00", False), ("a\n", False), ("x" * 513, False),
        (TOPICS.state("electrometer-1"), False), (TOPICS.daemon_state, False), (TOPICS.session_events("s-1"), False),
        (Topics("other").reply("a"), False), ("dosimetry/v1/clinic/clients", False), ("homeassistant/a/config", False),
    ],
)  # fmt: skip
def test_where_an_answer_may_go(topic: str, allowed: bool) -> None:
    assert requests.may_reply(topic, "clinic") is allowed


@given(st.text(max_size=600))
def test_an_answer_never_goes_onto_the_contract_but_to_its_clients(topic: str) -> None:
    if requests.may_reply(topic, "clinic"):
        assert not topic.startswith("dosimetry/") or topic.startswith("dosimetry/v1/clinic/clients/")
        assert 0 < len(topic.encode()) <= 4 * requests.LONGEST_TOPIC
        assert not set(topic) & set("+#\x00")


def test_the_response_topic_of_mqtt_5_goes_before_reply_to() -> None:
    asked = command(reply_to="b")
    assert requests.route(Received("t", b"", "a", False, b"1"), asked, "clinic") == Route("a", b"1")
    assert requests.route(Received("t", b""), asked, "clinic") == Route("b", None)
    assert requests.route(Received("t", b"", TOPICS.state("x")), asked, "clinic") is None
    assert UUID(str(asked.id)) == asked.id
