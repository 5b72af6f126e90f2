"""Messages of every released version are still understood, and no released schema was changed in a way that hurts."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from compatible import problems
from jsonschema import Draft202012Validator

from acquire.bus.contract import CHANNELS, file_name, json_schemas
from acquire.bus.messages import MESSAGES
from acquire.terminal.messages import readable

RELEASED = Path(__file__).parent / "released"
VERSIONS = sorted(p.name for p in RELEASED.iterdir())
CORPUS = sorted(RELEASED.glob("*/*.json"))
IDS = [f"{p.parent.name}/{p.stem}" for p in CORPUS]


def stored(path: Path) -> tuple[str, dict[str, Any]]:
    document = json.loads(path.read_text())
    return document["topic"], document["message"]


@pytest.mark.parametrize("path", CORPUS, ids=IDS)
def test_a_released_message_validates_today(path: Path) -> None:
    topic, message = stored(path)
    name = message["schema"]
    MESSAGES[name].model_validate(message)
    Draft202012Validator(json_schemas()[file_name(name)]).validate(message)
    patterns = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(c.address)) for c in CHANNELS if c.schema == name]
    assert any(re.fullmatch(pattern, topic) for pattern in patterns), topic


@pytest.mark.parametrize("path", CORPUS, ids=IDS)
def test_tail_prints_a_released_message_in_words(path: Path) -> None:
    topic, message = stored(path)
    lines = readable(topic, message, datetime.now(UTC))
    assert lines
    for line in lines:
        assert "{" not in line.replace("{counts}", ""), line
        assert "None" not in line


@pytest.mark.parametrize("version", VERSIONS)
def test_the_corpus_of_a_release_has_every_schema_entry_and_event(version: str) -> None:
    messages = [stored(p)[1] for p in (RELEASED / version).glob("*.json")]
    assert {m["schema"] for m in messages} == {
        json.loads(p.read_text())["$id"].removeprefix("urn:dosimetry-acquire:")
        for p in (RELEASED / version / "schemas").iterdir()
    }
    kinds = {e["kind"] for m in messages if m["schema"] == "readings/1" for e in m["readings"]}
    assert kinds >= {"scalar", "glow-curve", "curve", "unparsed", "marker", "gap", "withheld"}
    events = {m["event"] for m in messages if m["schema"] == "event/1"}
    assert events >= {"state", "step", "attached", "result"}
    assert {m["state"] for m in messages if m["schema"] == "state/1"} >= {"ready", "measuring", "fault", "offline"}


@pytest.mark.parametrize("version", VERSIONS)
def test_no_released_schema_lost_a_key_changed_a_type_or_demands_more(version: str) -> None:
    today = json_schemas()
    for path in (RELEASED / version / "schemas").iterdir():
        assert problems(json.loads(path.read_text()), today[path.name]) == []


def _drop(schema: dict[str, Any]) -> None:
    del schema["$defs"]["ReadingEntry"]["properties"]["unit"]


def _retype(schema: dict[str, Any]) -> None:
    schema["properties"]["head"]["type"] = "string"


def _retype_optional(schema: dict[str, Any]) -> None:
    schema["$defs"]["ReadingEntry"]["properties"]["value"]["anyOf"][0]["type"] = "string"


def _demand_old(schema: dict[str, Any]) -> None:
    schema["$defs"]["ReadingEntry"]["required"].append("element")


def _demand_new(schema: dict[str, Any]) -> None:
    schema["properties"]["colour"] = {"type": "string"}
    schema["required"].append("colour")


def _give_up(schema: dict[str, Any]) -> None:
    schema["required"].remove("stream")


def _no_kind(schema: dict[str, Any]) -> None:
    schema["properties"]["readings"]["items"]["oneOf"].pop(1)


def _tighten(schema: dict[str, Any]) -> None:
    schema["properties"]["first_seq"]["minimum"] = 2


def _closed_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["ReadingEntry"]["properties"]["raw_encoding"]["enum"].append("hex")


def _column(schema: dict[str, Any]) -> None:
    schema["$defs"]["Column"]["properties"]["values"]["items"]["type"] = "string"


@pytest.mark.parametrize(
    "change",
    [_drop, _retype, _retype_optional, _demand_old, _demand_new, _give_up, _no_kind, _tighten, _closed_value, _column],
)
def test_the_comparison_finds_a_change_that_hurts(change: Callable[[dict[str, Any]], None]) -> None:
    old = json_schemas()["readings-1.json"]
    new = copy.deepcopy(old)
    change(new)
    assert problems(old, new)
    assert problems(old, old) == problems(new, new) == []


def _add_key(schema: dict[str, Any]) -> None:
    schema["$defs"]["ReadingEntry"]["properties"]["colour"] = {"type": "string"}


def _add_end(schema: dict[str, Any]) -> None:
    schema["properties"]["ended"]["anyOf"][0]["enum"].append("flooded")


def _add_kind(schema: dict[str, Any]) -> None:
    entry = copy.deepcopy(schema["$defs"]["GapEntry"])
    entry["properties"]["kind"]["const"] = "spectrum"
    schema["$defs"]["SpectrumEntry"] = entry
    schema["properties"]["readings"]["items"]["oneOf"].append({"$ref": "#/$defs/SpectrumEntry"})


@pytest.mark.parametrize("change", [_add_key, _add_end, _add_kind])
def test_the_comparison_lets_pass_what_the_page_allows(change: Callable[[dict[str, Any]], None]) -> None:
    old = json_schemas()["readings-1.json"]
    new = copy.deepcopy(old)
    change(new)
    assert problems(old, new) == []


def test_a_message_with_keys_of_a_later_version_is_understood() -> None:
    assert len(CORPUS) > 20
    for path in CORPUS:
        _, message = stored(path)
        model = MESSAGES[message["schema"]]
        today = model.model_validate(message)
        message["from_tomorrow"] = {"a": 1}
        assert model.model_validate(message) == today, f"{path.name}: a key of tomorrow changes what is understood"
        found = Draft202012Validator(json_schemas()[file_name(message["schema"])]).iter_errors(message)
        assert [error.message for error in found] == [], path.name
