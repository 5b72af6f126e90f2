"""What was found, as tables for the configuration file: to be read by a person before it is put there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from acquire.canonical import canonical

if TYPE_CHECKING:
    from drivers.discovery import Found


def tables(found: Sequence[Found]) -> str:
    """A table of each that a driver knows; every other one in a comment that says why there is none."""
    known = [each for each in found if each.model is not None]
    lines = [line for n, each in enumerate(known, 1) for line in _table(n, each)]
    return "\n".join([*lines, *(f"# {_name(each)}: {_why(each)}" for each in found if each.model is None)])


def _table(n: int, each: Found) -> list[str]:
    serial = [] if each.serial is None else [f"settings = {{ expected_serial = {_text(each.serial)} }}"]
    head = ["[[instrument]]", f'id = "instrument-{n}"  # how it is called on the bus; give it a name of your own']
    return [*head, f"model = {_text(each.model or '')}", f"resource = {_text(_name(each))}", *serial, ""]


def _name(each: Found) -> str:
    return each.stays or each.resource


def _why(each: Found) -> str:
    if not each.asked:
        return f"not asked; {each.usb or each.description}"
    return "nothing answered" if each.answer is None else f"no driver knows what answered: {each.answer!r}"


def _text(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does."""
    return canonical(text).decode()
