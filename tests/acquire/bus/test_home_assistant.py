"""Discovery for Home Assistant, from the running service over a real broker; templates rendered as it does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto, kept, running_mosquitto
from jinja2.sandbox import ImmutableSandboxedEnvironment
from test_contract_on_the_wire import CONFIG

from acquire.bus.client import Connection, connect
from acquire.bus.homeassistant import AVAILABLE, HomeAssistant, Value, config, config_topic, value_template
from acquire.bus.messages import State
from acquire.bus.names import Topics
from acquire.config import load
from acquire.service import service

RELEASED = Path(__file__).parent / "released" / "0.1.0"
TOPIC = config_topic("clinic", "electrometer-1")


def rendered(template: str, message: dict[str, Any]) -> str:
    """Home Assistant renders in a sandbox, with the payload as `value_json`, and strips."""
    return ImmutableSandboxedEnvironment().from_string(template).render(value_json=message).strip()


def corpus(name: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads((RELEASED / f"{name}.json").read_text())["message"]
    return message


def test_the_template_gives_the_last_value_of_a_batch() -> None:
    message = corpus("readings-with-elapsed_s")
    (entry,) = message["readings"]
    message["readings"] = [
        {**entry, "value": 1e-9},
        {**entry, "value": 2.5e-9},
        {**entry, "quantity": "voltage", "unit": "V"},
    ]
    assert float(rendered(value_template(Value("charge", "C")), message)) == 2.5e-9
    assert rendered(value_template(Value("charge", "nC")), message) == ""


def test_an_overload_after_a_good_reading_is_unknown_and_not_the_good_one() -> None:
    good, bad = corpus("readings-with-elapsed_s"), corpus("readings-flag-overload")
    good["readings"] += bad["readings"]
    assert rendered(value_template(Value("charge", "C")), good) == "None"
    good["readings"].append({**good["readings"][0], "value": None})
    assert rendered(value_template(Value("charge", "C")), good) == "None"


@pytest.mark.parametrize("name", ["readings-none", "readings-marker-begin", "readings-gap", "readings-withheld"])
def test_a_batch_without_such_a_reading_leaves_the_sensor_as_it_is(name: str) -> None:
    assert rendered(value_template(Value("charge", "C")), corpus(name)) == ""


@pytest.mark.parametrize("ended", ["closed", "crash", "link-lost", "restored"])
def test_what_is_sent_again_of_an_ended_stream_is_not_shown_as_present(ended: str) -> None:
    """Home Assistant 2025.4.4 showed the end of a stream of two minutes ago while the instrument was ready."""
    message = {**corpus("readings-with-elapsed_s"), "ended": ended}
    assert rendered(value_template(Value("charge", "C")), message) == ""


def test_a_reference_light_is_no_sample() -> None:
    message = corpus("readings-with-elapsed_s")
    message["readings"][0]["role"] = "reference-light"
    assert rendered(value_template(Value("charge", "C")), message) == ""


def test_channels_of_one_instrument_are_sensors_of_their_own() -> None:
    message = corpus("readings-with-elapsed_s")
    (entry,) = message["readings"]
    message["readings"] = [{**entry, "channel": name, "value": n} for n, name in enumerate(("1", "2"))]
    assert [rendered(value_template(Value("charge", "C", c)), message) for c in ("1", "2", "")] == ["0", "1", ""]
    assert Value("charge", "C", "1").id != Value("charge", "C").id


def test_a_quantity_cannot_break_out_of_its_template() -> None:
    nasty = "x' or true or '{{ 7 * 7 }}\\"
    message = corpus("readings-with-elapsed_s")
    assert rendered(value_template(Value(nasty, "C")), message) == ""
    message["readings"][0]["quantity"] = nasty
    assert rendered(value_template(Value(nasty, "C")), message) == "0.0"


@pytest.mark.parametrize(
    ("state", "available"),
    [
        ("ready", "online"),
        ("measuring", "online"),
        ("fault", "offline"),
        ("offline", "offline"),
        ("from-tomorrow", "offline"),
    ],
)
def test_a_sensor_is_available_only_while_the_instrument_is(state: str, available: str) -> None:
    assert rendered(AVAILABLE, {"schema": "state/1", "state": state}) == available


def test_ids_of_different_instruments_stay_different() -> None:
    topics = [
        config_topic(site, name)
        for site, name in (("a", "b.c"), ("a", "b_c"), ("a", "b-c"), ("a.b", "c"), ("a", "b_2ec"))
    ]
    assert len(set(topics)) == len(topics)
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789_-/")
    assert all(set(topic) <= allowed for topic in topics)


def test_the_message_says_who_makes_it_and_no_more_than_the_bus_does() -> None:
    made = json.loads(
        config(Topics("clinic"), "e-1", State(state="ready", since="x", model="6517B"), [Value("charge", "C")])
    )
    assert set(made) == {"device", "origin", "components", "qos"}
    assert made["device"]["model"] == "6517B"
    assert made["origin"]["name"] == "dosimetry-acquire"
    assert {each["platform"] for each in made["components"].values()} == {"sensor"}
    assert all(key == each["unique_id"] for key, each in made["components"].items())


@asynccontextmanager
async def running(folder: Path, broker: Mosquitto, bus: str) -> AsyncIterator[None]:
    text = CONFIG.format(port=broker.port).replace("[spool]", f"[bus]\n{bus}\n[spool]")
    (folder / "service.toml").write_text(text)
    async with service(load(folder / "service.toml")):
        yield


async def heard(broker: Mosquitto, enough: Any, *, within_s: float = 20) -> list[tuple[str, bytes, bool]]:
    found: list[tuple[str, bytes, bool]] = []
    async with connect(broker.endpoint, "home") as connection:
        await connection.subscribe("homeassistant/#")
        try:
            async with asyncio.timeout(within_s):
                async for message in connection.messages():
                    found.append((message.topic, message.payload, message.retained))
                    if enough(found):
                        break
        except TimeoutError:
            pass
    return found


async def test_instruments_are_announced_with_their_values_and_taken_back_when_switched_off(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker:
        async with running(tmp_path, broker, "home_assistant = true"):
            await heard(broker, lambda found: b"_charge_C" in found[-1][1] and b"6517B" in found[-1][1])
        ((topic, payload, retained),) = await heard(broker, len)  # after an orderly stop it is still there, retained
        assert (topic, retained) == (TOPIC, True)
        made = json.loads(payload)
        assert made["device"]["serial_number"] == "4096271"
        charge = made["components"]["acquire_clinic_electrometer-1_charge_C"]
        assert charge["state_topic"] == "dosimetry/v1/clinic/electrometer-1/readings"
        assert charge["unit_of_measurement"] == "C"
        assert float(rendered(charge["value_template"], corpus("readings-with-elapsed_s"))) == 0
        async with running(tmp_path, broker, "home_assistant = false"):
            async with asyncio.timeout(20):
                while await kept(broker.endpoint, "homeassistant/#"):  # noqa: ASYNC110 - the broker has no event
                    await asyncio.sleep(0.1)
        assert await heard(broker, len, within_s=0.5) == []


async def test_nothing_is_said_to_home_assistant_unless_asked_for(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, running(tmp_path, broker, ""):
        assert await heard(broker, len, within_s=3) == []


@asynccontextmanager
async def announcing(broker: Mosquitto) -> AsyncIterator[Connection]:
    """Discovery alone, and a connection that says what the instrument would."""
    task = asyncio.create_task(HomeAssistant(Topics("clinic"), ["electrometer-1"]).run(broker.endpoint))
    async with connect(broker.endpoint, "instrument") as instrument:
        state = State(state="fault", since="2026-11-24T00:00:00Z", model="6517B").model_dump_json(by_alias=True)
        await instrument.publish(Topics("clinic").state("electrometer-1"), state.encode(), retain=True)
        yield instrument
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def components(broker: Mosquitto, enough: bytes) -> set[str]:
    """Kinds of sensors of the first announcement that has `enough` in it, without what is common to their ids."""
    found = await heard(broker, lambda found: enough in found[-1][1])
    assert enough in found[-1][1], found
    return {key.removeprefix("acquire_clinic_electrometer-1_") for key in json.loads(found[-1][1])["components"]}


async def test_no_sensor_for_what_has_no_number_nor_for_an_ended_stream(tmp_path: Path) -> None:
    """A 6517B begins with a voltage that has no number; Home Assistant kept a sensor for it that stayed unknown."""
    good, bad, over = (corpus(f"readings-{name}") for name in ("with-elapsed_s", "flag-overload", "with-elapsed_s"))
    bad["readings"][0]["quantity"] = "voltage"
    over = {**over, "ended": "crash", "readings": [{**over["readings"][0], "quantity": "current"}]}
    async with running_mosquitto(tmp_path) as broker, announcing(broker) as instrument:
        await heard(broker, len)
        for batch in (bad, over, good):
            await instrument.publish(Topics("clinic").readings("electrometer-1"), json.dumps(batch).encode())
        assert await components(broker, b"charge_C") == {"state", "charge_C"}


async def test_an_instrument_that_is_off_keeps_its_sensors_when_the_service_starts_again(tmp_path: Path) -> None:
    """Home Assistant, started after the service, no longer provides what the retained message does not list."""
    earlier = config(Topics("clinic"), "electrometer-1", None, [Value("charge", "C"), Value("dose", "Gy")])
    async with running_mosquitto(tmp_path) as broker:
        async with connect(broker.endpoint, "earlier") as connection:
            await connection.publish(TOPIC, earlier, retain=True)
        async with announcing(broker):
            assert await components(broker, b"6517B") == {"state", "charge_C", "dose_Gy"}


@pytest.mark.parametrize("message", [b"", b"7", b"{", b'{"components": 1}', b'{"components": {"x_state": {}}}'])
async def test_what_is_no_announcement_of_ours_is_replaced(tmp_path: Path, message: bytes) -> None:
    async with running_mosquitto(tmp_path) as broker:
        async with connect(broker.endpoint, "other") as connection:
            await connection.publish(TOPIC, message, retain=True)
        async with announcing(broker):
            assert await components(broker, b"6517B") == {"state"}


async def test_nothing_is_taken_back_where_nothing_was_announced(tmp_path: Path) -> None:
    """Home Assistant logs a warning for an empty message that removes nothing (mqtt/discovery.py, 2025.4.4)."""
    async with running_mosquitto(tmp_path) as broker, running(tmp_path, broker, "home_assistant = false"):
        assert await heard(broker, len, within_s=3) == []


def test_a_state_and_a_value_expire_when_nobody_repeats_them() -> None:
    """By Home Assistant's own timer: the state is refreshed every 20 s, a value's topic has a heartbeat every 30 s."""
    made = json.loads(config(Topics("clinic"), "e-1", None, [Value("charge", "C")]))["components"]
    assert {key.rsplit("_e-1_")[1]: each["expire_after"] for key, each in made.items()} == {
        "state": 60, "charge_C": 90,
    }  # fmt: skip
