"""Discovery for Home Assistant, from the running service over a real broker; templates rendered as it does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto, running_mosquitto
from jinja2.sandbox import ImmutableSandboxedEnvironment
from test_contract_on_the_wire import CONFIG

from acquire.bus.client import connect
from acquire.bus.homeassistant import AVAILABLE, Value, config, config_topic, value_template
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
            for _ in range(40):  # a new subscriber is given nothing retained any more
                left = await heard(broker, lambda found: found[-1][2], within_s=0.5)
                if not any(retained for _, _, retained in left):
                    break
        assert await heard(broker, len, within_s=0.5) == []


async def test_nothing_is_said_to_home_assistant_unless_asked_for(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, running(tmp_path, broker, ""):
        assert await heard(broker, len, within_s=3) == []
