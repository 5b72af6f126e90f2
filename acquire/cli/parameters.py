"""KEY=VALUE words of a command line, read as the published JSON Schema of a command's parameters has them.

Words become values by the types of the schema; whether these may be is for jsonschema to say. The instrument's daemon
checks everything again; this is done so that a mistake is a sentence before anything is sent.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from acquire import strict_numbers

ITEMS = "the alternatives of an item"  # under which `_alternatives` has them, beside the schema's own `items`
Schema = Mapping[str, Any]

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_ORDER = ("null", "boolean", "integer", "number", "array", "object", "string")
_LONGEST_NUMBER = 60


class NotAllowed(ValueError):
    """Words that do not fit the schema: one plain sentence with the key and what is allowed."""


class _No(Exception):
    """A text that is no value of this kind."""


def parse(command: str, schema: Schema, words: Sequence[str]) -> dict[str, Any]:
    """Parameters for a command. Raises NotAllowed."""
    known: Schema = schema.get("properties", {})
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise NotAllowed(f"'{word}' is no KEY=VALUE. {takes(command, schema)}")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise NotAllowed(f"{command} has no parameter '{key}'.{hint} {takes(command, schema)}")
        if key in found:
            raise NotAllowed(f"{key} stands more than once; give it once.")
        found[key] = _value(command, key, text, _options(known[key], schema))
    for key in schema.get("required", ()):
        if key not in found:
            raise NotAllowed(f"{command} needs {key}: {describe(known.get(key, {}), schema)}.")
    return found


def takes(command: str, schema: Schema) -> str:
    """A sentence on what a command takes."""
    known: Schema = schema.get("properties", {})
    each = [f"{key} ({describe(known[key], schema)})" for key in known]
    return f"{command} takes {', '.join(each)}." if each else f"{command} takes no parameters."


def describe(schema: Schema, root: Schema) -> str:
    """What is allowed, in words: "a number above 0, or null"."""
    return ", or ".join(_words(each) for each in _options(schema, root))


# --- values -----------------------------------------------------------------------------------------------------------


def _value(command: str, key: str, text: str, options: Sequence[Schema]) -> Any:
    try:
        return _first(text, options)
    except _No:
        allowed = ", or ".join(_words(each) for each in options)
        raise NotAllowed(f"{key} of {command} cannot be '{text}'; allowed is {allowed}.") from None


def _options(schema: Schema, root: Schema) -> list[Schema]:
    """The alternatives a value may be: references followed, anyOf and lists of types taken apart."""
    return list(_alternatives(schema, root, 0))


def _alternatives(schema: Schema, root: Schema, depth: int) -> Iterator[Schema]:
    if depth > 8:
        return
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        yield from _alternatives(root.get("$defs", {}).get(name, {}), root, depth + 1)
        return
    for key in ("anyOf", "oneOf"):
        if key in schema:
            for each in schema[key]:
                yield from _alternatives(each, root, depth + 1)
            return
    types = schema.get("type")
    for each in types if isinstance(types, list) else [types]:
        items = schema.get("items")
        more = {ITEMS: _options(items, root)} if isinstance(items, Mapping) else {}
        of_type = {"type": each} if each is not None else {}
        yield {"$defs": root.get("$defs", {}), **schema, **more, **of_type}


def _rank(option: Schema) -> int:
    return _ORDER.index(option["type"]) if option.get("type") in _ORDER else len(_ORDER)


def _read(text: str, option: Schema) -> Any:
    """A value of the option's type. Raises _No."""
    return _READ.get(str(option.get("type")), _of_any_type)(text, option)


def _word(text: str, option: Schema) -> bool | None:
    words = _WORDS[option["type"]]
    if text not in words:
        raise _No
    return words[text]


def _whole(text: str, option: Schema) -> int:
    return strict_numbers.whole(_matched(_WHOLE, text))


def _number(text: str, option: Schema) -> float:
    try:
        return strict_numbers.decimal(_matched(_NUMBER, text))
    except ValueError as error:  # beyond what a number can hold
        raise _No from error


def _text(text: str, option: Schema) -> Any:
    """As it stands; in double quotes it is JSON, so that the text null can be given."""
    return _json(text, str) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if len(text) > _LONGEST_NUMBER or not pattern.fullmatch(text):
        raise _No
    return text


def _json(text: str, kind: type[Any]) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _No from error
    if not isinstance(value, kind):
        raise _No
    return value


def _of_any_type(text: str, option: Schema) -> Any:
    """Where the schema names no type, only values: the one that is spelt so; otherwise text."""
    values = [option["const"]] if "const" in option else option.get("enum", [])
    return next((each for each in values if _spelt(each) == text), text)


def _list(text: str, option: Schema) -> list[Any]:
    """A JSON list, or values separated by commas."""
    items: Sequence[Schema] = option.get(ITEMS, [{}])
    if text.startswith("["):
        value: list[Any] = _json(text, list)
        return value
    return [_first(part, items) for part in text.split(",")] if text else []


def _first(text: str, options: Sequence[Schema]) -> Any:
    """The value of the first option that the text fits, texts last. Raises _No."""
    for option in sorted(options, key=_rank):
        try:
            value = _read(text, option)
        except _No:
            continue
        if _fits(value, option):
            return value
    raise _No


def _object(text: str, option: Schema) -> Any:
    return _json(text, dict)


def _fits(value: Any, option: Schema) -> bool:
    """Whether a value keeps what its option asks for, as jsonschema judges it."""
    try:
        return Draft202012Validator(option).is_valid(value)
    except re.error:  # an expression in another dialect: the daemon decides
        return True


_WORDS: dict[str, dict[str, bool | None]] = {"null": {"null": None}, "boolean": {"true": True, "false": False}}
_READ: dict[str, Callable[[str, Schema], Any]] = {
    "null": _word, "boolean": _word, "integer": _whole, "number": _number, "array": _list, "object": _object,
    "string": _text,
}  # fmt: skip

# --- words ------------------------------------------------------------------------------------------------------------

_LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_KINDS = {
    "null": "null", "boolean": "true or false", "integer": "a whole number", "number": "a number",
    "object": "a JSON object", "string": "a text",
}  # fmt: skip


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _words(option: Schema) -> str:
    if "const" in option:
        return _spelt(option["const"])
    if "enum" in option:
        return f"one of {', '.join(_spelt(each) for each in option['enum'])}"
    kind = option.get("type")
    if kind == "array":
        items = option.get(ITEMS, [])
        inside = ", or ".join(_words(each) for each in items) if isinstance(items, list) and items else "anything"
        return f"a list, separated by commas, of {inside}"
    if option.get("format") == "uuid":
        return "a UUID"
    return f"{_KINDS.get(str(kind), 'a value')}{_limits(option)}{_lengths(option)}"


def _limits(option: Schema) -> str:
    if "minimum" in option and "maximum" in option:
        return f" from {option['minimum']:.15g} to {option['maximum']:.15g}"
    found = [f"{word} {option[key]:.15g}" for key, word in _LIMITS.items() if key in option]
    return f" {' and '.join(found)}" if found else ""


def _lengths(option: Schema) -> str:
    low, high = option.get("minLength", 0), option.get("maxLength")
    if high is not None:
        return f" of {low} to {high} characters"
    return f" of at least {low} characters" if low else ""
