"""What pydantic finds wrong with a value, in words for whoever wrote the file or typed the setting.

Its own phrases name Python's types and patterns ("Tuple should have at least 1 item", "does not match spec regex").
A model says in words what a pattern of its own means by `form`; what no words are known for is refused all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

_FORMS: dict[str, str] = {}  # pattern: what it allows, in words


def form(pattern: str, words: str) -> str:
    """The pattern itself; `words` say what it allows, as in "1 to 64 small letters and digits"."""
    _FORMS[pattern] = words
    return pattern


def plain(error: ErrorDetails) -> str:
    """The sentence's part that says what is wrong and what is allowed, without the place and without a full stop.

    The errors are asked of pydantic with their context, which says what is allowed.
    """
    said = _SAID.get(error["type"])
    if said is None:
        return f"{shown(error.get('input'))} cannot stand here"
    return said(error.get("ctx", {}), error.get("input")) if callable(said) else said


def shown(value: Any) -> str:
    """A value as a person wrote it, cut where it is long; what holds others by what it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value[:40]}{'...' if len(value) > 40 else ''}'"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else str(value)[:40]


Said = str | Callable[[Mapping[str, Any], Any], str]


def _is_no(what: str) -> Said:
    return lambda _, value: f"{shown(value)} is no {what}"


def _bound(words: str, key: str) -> Said:
    def said(ctx: Mapping[str, Any], value: Any) -> str:
        return f"{shown(value)} is out of range" + (f"; it must be {words} {_number(ctx[key])}" if key in ctx else "")

    return said


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(ctx: Mapping[str, Any], value: Any) -> str:
    return f"{shown(value)} is not known; allowed is {ctx['expected']}"


def _pattern(ctx: Mapping[str, Any], value: Any) -> str:
    words = _FORMS.get(str(ctx["pattern"]))
    return f"{shown(value)} is not written as it must be" + (f": {words}" if words else "")


def _few(ctx: Mapping[str, Any], value: Any) -> str:
    least = int(ctx["min_length"])
    return f"at least {least} {'entry is' if least == 1 else 'entries are'} needed; there {_there(ctx, value)}"


def _many(ctx: Mapping[str, Any], value: Any) -> str:
    most = int(ctx["max_length"])
    return f"at most {most} {'entry is' if most == 1 else 'entries are'} allowed; there {_there(ctx, value)}"


def _there(ctx: Mapping[str, Any], value: Any) -> str:
    n = ctx.get("actual_length")
    n = len(value) if n is None and hasattr(value, "__len__") else n
    return "is none" if n == 0 else "is one" if n == 1 else f"are {n}" if n is not None else "are more"


def _short(ctx: Mapping[str, Any], value: Any) -> str:
    least = int(ctx["min_length"])
    return "the text is empty" if not value else f"{shown(value)} is too short; it needs {least} characters or more"


def _long(ctx: Mapping[str, Any], value: Any) -> str:
    return f"{shown(value)} is too long; at most {ctx['max_length']} characters are allowed"


def _no_offset(_: Mapping[str, Any], value: Any) -> str:
    return f"{shown(value)} has no offset from UTC; write it as 2027-02-05T10:31:00+01:00"


def _own(ctx: Mapping[str, Any], value: Any) -> str:
    """What a model's own check says."""
    return str(ctx["error"]).removeprefix("Value error, ").rstrip(".") if "error" in ctx else f"{shown(value)} is wrong"


_DAY = "day; write it without quotes as 2027-02-05"
_MOMENT = "moment; write it without quotes and with its offset as 2027-02-05T10:31:00+01:00"
_LIST = "list; write it in brackets, [ ... ]"
_TABLE = "table of keys and values"
_YES = "answer; write true or false, without quotes"
_NUMBER = "number; write it without quotes and with a decimal point"
_WHOLE = "whole number"
_TEXT = "text; write it in quotes"
_UUID = "UUID, such as 0f0e7a58-5f43-4b7e-9c37-1f0f6a3c2d11"

_SAID: Mapping[str, Said] = {
    "missing": "it is missing, and has no default",
    "extra_forbidden": "there is no such key",
    "none_required": lambda _, value: f"{shown(value)} stands where nothing may",
    "greater_than": _bound("above", "gt"), "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("below", "lt"), "less_than_equal": _bound("at most", "le"),
    "multiple_of": _bound("a multiple of", "multiple_of"),
    "finite_number": _is_no("finite number"),
    "too_short": _few, "too_long": _many, "string_too_short": _short, "string_too_long": _long,
    "string_type": _is_no(_TEXT), "string_unicode": _is_no("text that can be read"),
    "string_sub_type": _is_no(_TEXT), "string_pattern_mismatch": _pattern,
    "string_not_ascii": lambda _, value: f"{shown(value)} holds more than letters, digits and signs of ASCII",
    "enum": _allowed, "literal_error": _allowed,
    "dict_type": _is_no(_TABLE), "mapping_type": _is_no(_TABLE), "model_type": _is_no(_TABLE),
    "model_attributes_type": _is_no(_TABLE), "dataclass_type": _is_no(_TABLE), "dataclass_exact_type": _is_no(_TABLE),
    "list_type": _is_no(_LIST), "tuple_type": _is_no(_LIST), "set_type": _is_no(_LIST),
    "frozen_set_type": _is_no(_LIST), "iterable_type": _is_no(_LIST),
    "bool_type": _is_no(_YES), "bool_parsing": _is_no(_YES),
    "int_type": _is_no(_WHOLE), "int_parsing": _is_no(_WHOLE), "int_from_float": _is_no(_WHOLE),
    "int_parsing_size": lambda _, value: f"{shown(value)} has too many digits",
    "float_type": _is_no(_NUMBER), "float_parsing": _is_no(_NUMBER),
    "date_type": _is_no(_DAY), "date_parsing": _is_no(_DAY), "date_from_datetime_parsing": _is_no(_DAY),
    "date_from_datetime_inexact": lambda _, value: f"{shown(value)} has a time of day; a day is meant: 2027-02-05",
    "datetime_type": _is_no(_MOMENT), "datetime_parsing": _is_no(_MOMENT), "datetime_object_invalid": _is_no(_MOMENT),
    "datetime_from_date_parsing": _is_no(_MOMENT), "time_type": _is_no("time of day"),
    "time_parsing": _is_no("time of day"), "timezone_naive": _no_offset, "timezone_aware": _no_offset,
    "timezone_offset": _no_offset,
    "uuid_type": _is_no(_UUID), "uuid_parsing": _is_no(_UUID), "uuid_version": _is_no(_UUID),
    "bytes_type": _is_no("bytes"), "path_type": _is_no("path; write it in quotes"),
    "value_error": _own, "assertion_error": _own,
    "invalid_key": lambda _, value: f"{shown(value)} is no name of a key",
    "unexpected_keyword_argument": "there is no such key", "missing_argument": "it is missing, and has no default",
    "missing_keyword_only_argument": "it is missing, and has no default",
    "union_tag_not_found": "it does not say which kind it is",
    "union_tag_invalid": lambda ctx, _: f"'{ctx['tag']}' is not known; allowed is {ctx['expected_tags']}",
    "is_instance_of": lambda _, value: f"{shown(value)} cannot stand here",
    "recursion_loop": "it holds itself",
}  # fmt: skip
