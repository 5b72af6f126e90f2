"""JSON from outside within bounds: depth, size, each key once, numbers that are some; and reading it field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from acquire.orders.problems import NotAnOrder
from acquire.printable import hidden_in

DEEPEST = 40  # a Bundle of contained resources with their codings nests about 12 deep
Table = Mapping[str, Any]


def table_of(body: bytes) -> Table:
    """The document of a JSON file, a table. Raises NotAnOrder."""
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise NotAnOrder(f"it is no text in UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise NotAnOrder(f"it is nested deeper than {DEEPEST}.") from error
    except json.JSONDecodeError as error:
        raise NotAnOrder(
            f"it is not JSON, and so not as FHIR has it: line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:
        why = str(error) if isinstance(error, _NotAllowed) else "a number in it has too many digits"
        raise NotAnOrder(f"{why}.") from error
    if not isinstance(found, dict):
        raise NotAnOrder("it is not as FHIR has it: a resource is a JSON object.")
    for depth, _, _ in walk(found):
        if depth > DEEPEST:
            raise NotAnOrder(f"it is nested deeper than {DEEPEST}.")
    return found


def walk(document: Any) -> Iterator[tuple[int, str, Any]]:
    """(depth, key, value) of everything in a document, without recursion."""
    waiting: list[tuple[int, str, Any]] = [(0, "", document)]
    while waiting:
        depth, key, value = waiting.pop()
        yield depth, key, value
        pairs: Any = (
            value.items() if isinstance(value, dict) else ((key, e) for e in value) if isinstance(value, list) else ()
        )
        waiting.extend((depth + 1, k, each) for k, each in pairs)


def text(of: Table, key: str, where: str = "", *, joined: bool = False) -> str | None:
    """A text of a table; None where there is none. Raises NotAnOrder for what is no text, or hides a character.

    `joined`: a person's name may hold the joiners of its script (zero-width, U+200C and U+200D).
    """
    value = of.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise NotAnOrder(f"{where}{key} is not as FHIR has it: a text is wanted.")
    if (found := hidden_in(value, keep="\n\r\t\u200c\u200d" if joined else "\n\r\t")) is not None:
        raise NotAnOrder(f"{where}{key} holds {found}, which nobody sees; write it without.")
    return value


def texts(of: Table, key: str, where: str = "", *, joined: bool = False) -> list[str]:
    """A list of texts. Raises NotAnOrder as `text` does."""
    value = of.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotAnOrder(f"{where}{key} is not as FHIR has it: a list of texts is wanted.")
    found = (text({key: each}, key, where, joined=joined) for each in value)
    return [each for each in found if each is not None]


def true(of: Table, key: str) -> bool:
    """Whether a truth value is true. Raises NotAnOrder for what is neither true nor false."""
    value = of.get(key)
    if value is not None and not isinstance(value, bool):
        raise NotAnOrder(f"{key} is not as FHIR has it: true or false is wanted.")
    return value is True


def table(of: Table, key: str, where: str = "") -> Table:
    """A table of a table; empty where there is none. Raises NotAnOrder."""
    value = of.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotAnOrder(f"{where}{key} is not as FHIR has it: an object is wanted.")
    return value


def tables(of: Table, key: str, where: str = "") -> list[Table]:
    """A list of tables. Raises NotAnOrder."""
    value = of.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise NotAnOrder(f"{where}{key} is not as FHIR has it: a list of objects is wanted.")
    return value


class _NotAllowed(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if key in dict(pairs[:n]))
        raise _NotAllowed(f"it says '{twice[:40]!a}' twice in one object".replace("''", "'"))
    return found


def _no_number(word: str) -> Any:
    raise _NotAllowed(f"{word} is no number")
