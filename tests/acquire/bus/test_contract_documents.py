"""The committed contract is what models, topics and running code say, and tools that know nothing of us accept it."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from acquire.bus.contract import CHANNELS, asyncapi, file_name, files, json_schemas
from acquire.bus.messages import MESSAGES
from acquire.bus.names import Topics

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "contract"
NODE = ROOT / "tools" / "node"


def test_the_committed_files_are_what_the_models_generate() -> None:
    generated = files()
    for name, text in generated.items():
        same = (FOLDER / name).read_text() == text
        assert same, (
            f"docs/contract/{name} is not what the models say; run `acquire bus contract docs/contract --force`"
        )
    there = {str(p.relative_to(FOLDER)) for p in FOLDER.glob("schemas/*")} | {"asyncapi.json"}
    assert there == set(generated)


def test_every_message_has_a_sound_schema_that_demands_its_name() -> None:
    assert set(json_schemas()) == {file_name(name) for name in MESSAGES}
    for schema in json_schemas().values():
        Draft202012Validator.check_schema(schema)
    for name in MESSAGES:
        assert not Draft202012Validator(json_schemas()[file_name(name)]).is_valid({})


def test_the_topics_of_the_document_are_those_of_the_topic_functions() -> None:
    topics, addresses = Topics("{site}"), set()
    for name, member in inspect.getmembers(Topics, lambda m: inspect.isfunction(m) or isinstance(m, property)):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            addresses.add(getattr(topics, name))
            continue
        wanted = list(inspect.signature(member).parameters)[1:]
        arguments = ["{command}" if each == "name" else f"{{{each}}}" for each in wanted]
        addresses.add(getattr(topics, name)(*arguments))
        if [each.annotation for each in inspect.signature(member).parameters.values()][1:] == ["str | None"]:
            addresses.add(getattr(topics, name)(None))
    document = asyncapi()
    assert addresses == {channel["address"] for channel in document["channels"].values()}
    for channel in document["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])


def test_the_payloads_of_the_document_are_the_schemas_beside_it() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    for name, model in MESSAGES.items():
        message = document["components"]["messages"][name.replace("/", "_")]
        assert message["payload"] == {"$ref": f"#/components/schemas/{model.__name__}"}
        stored = json.loads((FOLDER / "schemas" / file_name(name)).read_text())
        definitions = stored.pop("$defs", {})
        del stored["$schema"], stored["$id"]
        for each, body in {**definitions, model.__name__: stored}.items():
            assert document["components"]["schemas"][each] == hoisted(body), each


def hoisted(value: Any) -> Any:
    """References as the AsyncAPI document writes them."""
    return json.loads(json.dumps(value).replace("#/$defs/", "#/components/schemas/"))


async def validate(documents: list[Path]) -> list[dict[str, Any]]:
    node = shutil.which("node")
    assert node, "node is not installed; `make test` installs it"
    assert (NODE / "node_modules").is_dir(), "the npm packages of tools/node are missing; `make test` installs them"
    process = await asyncio.create_subprocess_exec(
        node, str(NODE / "validate-asyncapi.js"), *map(str, documents), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def spoilt() -> Iterator[dict[str, Any]]:
    """The document with one error in it."""
    document = asyncapi()
    document["operations"]["sendReadings"]["action"] = "shout"
    yield document
    document = asyncapi()
    document["channels"]["state"]["messages"]["state_1"] = {"$ref": "#/components/messages/no_such"}
    yield document
    document = asyncapi()
    document["channels"]["state"]["parameters"] = {"site": {"schema": 3}}
    yield document
    yield asyncapi() | {"asyncapi": "3.9.9"}


@pytest.mark.slow
async def test_the_asyncapi_initiatives_own_parser_accepts_the_document_and_rejects_spoilt_ones(tmp_path: Path) -> None:
    documents = [FOLDER / "asyncapi.json"]
    for n, document in enumerate(spoilt()):
        documents.append(tmp_path / f"{n}.json")
        documents[-1].write_text(json.dumps(document))
    good, *bad = await validate(documents)
    assert good["valid"], good["problems"]
    assert [each["code"] for each in good["problems"]] == ["asyncapi-latest-version"]
    assert len(bad) == 4
    assert not any(each["valid"] for each in bad)


async def test_the_command_writes_the_same_files(tmp_path: Path) -> None:
    from e2e.processes import ACQUIRE  # noqa: PLC0415 - the command of this interpreter

    process = await asyncio.create_subprocess_exec(
        str(ACQUIRE), "bus", "contract", str(tmp_path / "new"), "--json", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert len(json.loads(out)["files"]) == len(files())
    for name, text in files().items():
        assert (tmp_path / "new" / name).read_text() == text


def test_no_message_has_a_key_for_a_person() -> None:
    """Orders, sessions and measurements have ids; `by` of a command is a user or program."""
    words = re.compile(r"patient|birth|mrn|person|name_of|surname|given_name", re.IGNORECASE)
    for schema in json_schemas().values():
        bodies = [schema, *schema.get("$defs", {}).values()]
        keys = {key for body in bodies for key in body.get("properties", {})}
        assert not [key for key in keys if words.search(key)]


def test_channels_know_their_schemas() -> None:
    assert {channel.schema for channel in CHANNELS} == set(MESSAGES)
