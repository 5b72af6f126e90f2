"""Putting values into the places of a template, and repeating what stands for each port."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from acquire.errors import Refused
from acquire.printable import printable
from acquire.procedure.documents.to_fill import PLACE, places

FOR_EACH, END = "#: for each port", "#: end"
_PORT = re.compile(r"(?m)^port = .*$")
_OWN_ID = re.compile(r'-1(?=")')

Values = Mapping[str, Any]


def filled(text: str, values: Values, ports: Sequence[tuple[str, Values]] = ()) -> str:
    """The template with what is known; places of which nothing is known stay.

    ports  (a comment, its values) of each port; what stands for each port is repeated, or left as it is without any
    """
    parts, out = text.split(f"{FOR_EACH}\n"), []
    for n, part in enumerate(parts):
        if n == 0:
            out.append(put(part, values))
            continue
        block, _, rest = part.partition(f"{END}\n")
        out.append(
            "\n".join(_port(block, i, each, values) for i, each in enumerate(ports, start=1)) or put(block, values)
        )
        out.append(put(rest, values))
    return "".join(out)


def of_words(text: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Values that a person gave as words, each as the kind of its place. Raises Refused for a name that has none."""
    kinds = {each.name: each.kind for each in places(text)}
    if unknown := sorted(set(given) - set(kinds)):
        raise Refused(f"{', '.join(unknown)} is no place of this template; it has {', '.join(kinds)}.")
    return {name: _value(name, kinds[name], word) for name, word in given.items()}


def put(text: str, values: Values) -> str:
    """Every place whose value is known, replaced by it."""
    return PLACE.sub(lambda found: literal(values[found["name"]]) if found["name"] in values else found[0], text)


def literal(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(round(value, 9))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return json.dumps(printable(str(value)), ensure_ascii=False)


def _port(block: str, n: int, port: tuple[str, Values], values: Values) -> str:
    comment, own = port
    said = "".join(f"# {line}\n" for line in comment.splitlines())
    made = put(_OWN_ID.sub(f"-{n}", block), {**values, **own})
    if "beam_number" in own:
        made = _PORT.sub(rf"\g<0>\nbeam_number = {own['beam_number']}", made)
    return said + made


def _value(name: str, kind: str, word: str) -> Any:
    try:
        if kind == "number":
            number = float(word.replace(",", "."))
            if not math.isfinite(number):
                raise ValueError(word)  # noqa: TRY301 - told with the others
            return int(word) if re.fullmatch(r"-?[0-9]{1,15}", word) else number
        if kind == "date":
            return datetime.fromisoformat(word) if "T" in word else date.fromisoformat(word)
        if kind == "flag":
            return {"true": True, "false": False}[word]
    except (KeyError, ValueError) as error:
        raise Refused(f"{name} takes a {kind}, not '{printable(word)[:40]}'.") from error
    return word
