"""Inventories and calibrations written as the TOML they are read from: what a session keeps can be read by eye."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from acquire.tomlfile import Written


def toml_of(document: Written) -> bytes:
    """The TOML of a document; reading it gives the same document."""
    data = document.model_dump(mode="python", by_alias=True, exclude_none=True)
    lines = [f"{_key(k)} = {_value(v)}" for k, v in data.items() if not _is_tables(v)]
    for name, tables in data.items():
        if _is_tables(tables):
            for table in tables:
                lines += ["", f"[[{_key(name)}]]", *(f"{_key(k)} = {_value(v)}" for k, v in _as_printed(table).items())]
    return ("\n".join(lines) + "\n").encode()


def _as_printed(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """An uncertainty that a certificate prints as U with its k is written so, and not as the u that was made of it."""
    return {k: v for k, v in table.items() if k != "u_percent"} if "U_percent" in table else table


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in _as_printed(value).items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _text(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own, but DEL, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _text(name)
