"""One model of instrument on a card of 80 columns: what it gives, how it is reached, how far it is verified."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from drivers import LEVELS

WIDTH, LABEL = 79, 12


def card(said: Mapping[str, Any], *, whole: bool) -> str:
    """The card of a model as `acquire drivers --json` tells of it; `whole`: with everything that is assumed."""
    lines = textwrap.wrap(f"{said['model']}  {said['title']}".rstrip(), WIDTH, subsequent_indent="  ")
    if "fault" in said:
        return "\n".join([*lines, *_row("fault", said["fault"])])
    if said["label"]:
        lines += _row("is a", said["label"])
    lines += _row("level", f"{_dots(said['level'])} {LEVELS[said['level'] - 1]}")
    lines += _row("gives", ", ".join(f"{q['name']} in {q['unit']}" for q in said["quantities"]))
    lines += _row("reached by", ", ".join(said["transports"]))
    for each in said["verified"]:
        ran = f", by {each['by']}, firmware {each['firmware']}, {each['date']}" if each["kind"] == "instrument" else ""
        lines += _row("held against", f"{each['against']}: {each['what']}{ran}")
    lines += _assumed(said, whole=whole)
    if whole:
        lines += _row("settings", ", ".join(said["settings"]))
    return "\n".join(lines)


def _assumed(said: Mapping[str, Any], *, whole: bool) -> list[str]:
    if whole:
        return [line for each in said["assumed"] for line in _row("assumed", each)]
    count = len(said["assumed"])
    facts = f"{count} {'fact' if count == 1 else 'facts'}: see `acquire drivers {said['model']}`"
    return _row("assumed", facts if count else "nothing")


def _dots(level: int) -> str:
    return "●" * level + "○" * (len(LEVELS) - level)


def _row(label: str, text: str) -> list[str]:
    first = f"  {label:{LABEL}} "
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    ) or [first.rstrip()]
