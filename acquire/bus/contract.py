"""The published contract as documents: a JSON Schema for every message and one AsyncAPI 3 description.

Both are generated from the models of messages.py and the topic functions of names.py, so that they cannot say anything
else than the code does. `acquire bus contract DIR` writes them; docs/contract/ holds them as committed.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from acquire.bus.messages import MESSAGES
from acquire.bus.names import Topics

DIALECT = "https://json-schema.org/draft/2020-12/schema"
QOS = 1  # of everything that is published

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic of the contract: what goes over it, which way (seen from the daemon), and whether it is retained."""

    name: str
    address: str
    schema: str
    title: str
    sent: bool
    retain: bool = False
    will: str | None = None


_T = Topics("{site}")
CHANNELS = (
    Channel("readings", _T.readings("{instrument}"), "readings/1", "Batches of entries of a stream", True),
    Channel("committed", _T.committed("{instrument}"), "committed/1", "What the store has", True, True),
    Channel("state", _T.state("{instrument}"), "state/1", "State of an instrument", True, True, "offline"),
    Channel("daemonState", _T.daemon_state, "state/1", "State of the acquisition host", True, True, "offline"),
    Channel("hostState", _T.host_state("{host}"), "state/1", "State of one host of several", True, True, "offline"),
    Channel("storeState", _T.store_state, "state/1", "State of the store's worker", True, True, "offline"),
    Channel("anchor", _T.anchor, "anchor/1", "The newest hashes of the store's chains", True, True),
    Channel("batch", _T.batch(None), "batch/1", "Entries of several instruments of the acquisition host", True),
    Channel("hostBatch", _T.batch("{host}"), "batch/1", "Entries of several instruments of one host of several", True),
    Channel("batchCommitted", _T.batch_committed(None), "batch-committed/1", "What the store has of a batch", True),
    Channel("hostBatchCommitted", _T.batch_committed("{host}"), "batch-committed/1", "What it has of a host's", True),
    Channel("sessionEvents", _T.session_events("{session}"), "event/1", "What happens in an ordered session", True),
    Channel("command", _T.command("{instrument}", "{command}"), "command/1", "Something an instrument shall do", False),
    Channel("replies", _T.reply("{client}"), "answer/1", "Answers to commands", True),
)

PARAMETERS = {
    "site": "one level; the `site` of the configuration",
    "instrument": "one level; the `id` of the instrument in the configuration",
    "host": "one level; the `host` of the configuration, where a site has several acquisition hosts",
    "session": "session id, as `acquire session start` prints it",
    "command": "begin, end, or one of the names in the `commands` of the instrument's state",
    "client": "a name the asking program chooses; answers may also go to any topic outside of dosimetry/",
}


class _Plain(GenerateJsonSchema):
    """Without a title made of each key's own name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def json_schemas() -> dict[str, Schema]:
    """File name to JSON Schema (2020-12) of each message, with the entries and details it may hold as definitions."""
    made = {}
    for name, model in MESSAGES.items():
        body = model.model_json_schema(schema_generator=_Plain)
        made[file_name(name)] = {
            "$schema": DIALECT,
            "$id": f"urn:dosimetry-acquire:{name}",
            **_described(body, model.__name__),
        }
    return made


def file_name(schema: str) -> str:
    """The file of a message's schema: "readings/1" is in readings-1.json."""
    return f"{schema.replace('/', '-')}.json"


def asyncapi() -> Schema:
    """The AsyncAPI 3.0 document. Security is left open: what a broker asks for is the site's affair."""
    messages = {channel.schema: _message(channel.schema) for channel in CHANNELS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "dosimetry-acquire on the bus",
            "version": "1",
            "description": "Readings of dosimetry instruments, what the store has committed, states, commands, session"
            " events. No message names a person. Messages may come twice, late or out of order; see docs/bus.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": dict(_operation(channel) for channel in CHANNELS if channel.name != "replies"),
        "components": {
            "messages": {_component(name): message for name, message in messages.items()},
            "schemas": _components(),
            "parameters": {name: {"description": text} for name, text in PARAMETERS.items()},
        },
    }


def files() -> dict[str, str]:
    """Relative path to text of everything generated."""
    documents = {f"schemas/{name}": schema for name, schema in json_schemas().items()} | {"asyncapi.json": asyncapi()}
    return {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in documents.items()}


def _server() -> Schema:
    return {
        "host": "{host}:{port}",
        "protocol": "mqtt",
        "protocolVersion": "5",
        "description": "Any MQTT broker, 5 or 3.1.1; [broker] in the configuration.",
        "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "1883"}},
    }


def _channel(channel: Channel) -> Schema:
    used = [name for name in PARAMETERS if f"{{{name}}}" in channel.address]
    name = _component(channel.schema)
    return {
        "address": channel.address,
        "title": channel.title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {each: {"$ref": f"#/components/parameters/{each}"} for each in used},
    }


def _operation(channel: Channel) -> tuple[str, Schema]:
    name = f"{'send' if channel.sent else 'receive'}{channel.name[0].upper()}{channel.name[1:]}"
    made: Schema = {
        "action": "send" if channel.sent else "receive",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "title": channel.title,
        "bindings": {"mqtt": {"qos": QOS, "retain": channel.retain, "bindingVersion": "0.2.0"}},
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{_component(channel.schema)}"}],
    }
    if channel.will:
        made["description"] = f'Retained; the last will on the same topic says "{channel.will}".'
    if not channel.sent:
        made["description"] = "Answered on the response topic of the request (MQTT 5), or on its `reply_to`."
        made["reply"] = {
            "channel": {"$ref": "#/channels/replies"},
            "messages": [{"$ref": f"#/channels/replies/messages/{_component('answer/1')}"}],
        }
    return name, made


def _message(schema: str) -> Schema:
    model = MESSAGES[schema]
    return {
        "name": schema,
        "title": model.__name__,
        "summary": inspect.cleandoc(model.__doc__ or ""),  # Python 3.13 takes the indentation away, older ones do not
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _components() -> dict[str, Schema]:
    _, body = models_json_schema(
        [(model, "validation") for model in MESSAGES.values()],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Plain,
    )
    return {name: _described(each, name) for name, each in sorted(body["$defs"].items())}


def _component(schema: str) -> str:
    """The name of a message in the document: "readings/1" is readings_1."""
    return schema.replace("/", "_")


def _described(schema: Schema, name: str) -> Schema:
    """Every message says its schema; `discriminator` is OpenAPI's word, the `const` of each `kind` says the same."""
    made = {key: _without_discriminator(value) for key, value in schema.items() if key != "discriminator"}
    made.setdefault("title", name)
    if "schema" in made.get("properties", {}):
        made["required"] = ["schema", *made.get("required", [])]
        made["properties"]["schema"].pop("default", None)
    if "$defs" in made:
        made["$defs"] = {key: _described(value, key) for key, value in made["$defs"].items()}
    return made


def _without_discriminator(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_discriminator(v) for k, v in value.items() if k != "discriminator" or not _mapping(v)}
    return [_without_discriminator(each) for each in value] if isinstance(value, list) else value


def _mapping(value: Any) -> bool:
    return isinstance(value, dict) and "mapping" in value
