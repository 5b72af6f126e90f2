"""A charge proposal on one page of text: every rule with a tick or what is missing, then units, parts, limits."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, LABEL = 100, 41
TICKS = {"met": "✓", "missing": "▲", "not applicable": "–"}


def claim_card(
    name: str, sessions: Sequence[str], rules: Sequence[Mapping[str, Any]], charge: Mapping[str, Any]
) -> str:
    """The card as text; `rules` and `charge` as `acquire billing --json` gives them."""
    lines = [f"{charge['code'] or 'No charge'}  {name}: {charge['status']}", f"  sessions {', '.join(sessions)}", ""]
    for rule in rules:
        lines += _row(f"{TICKS[rule['status']]} {rule['rule']}", rule["says"])
    lines.append("")
    lines += _units(charge)
    for part in charge["parts"]:
        lines += _row(
            f"  {part['part']}, by {part['billed_by']}", f"modifier {part['modifier'] or 'none'}. {part['says']}"
        )
    for note in charge["notes"]:
        lines += _row("  note", note)
    for each in charge["neighbours"]:
        lines += _row(f"  neighbour {each['code']}", f"{each['says']} With 77331 on one day: {each['with_77331']}.")
    for line in charge["report"]:
        lines += _row("  report", line)
    done = "ready for the coder" if charge["ready"] else f"not ready: {len(charge['missing'])} missing"
    return "\n".join([*lines, "", f"{done}. Nothing is submitted from here; the coder decides."])


def _units(charge: Mapping[str, Any]) -> list[str]:
    lines = _row("  units", f"{charge['units']} ({charge['basis']})")
    for line in charge["lines"]:
        lines += _row(f"  {line['date_of_service'] or 'no date'}", f"{line['units']}: {', '.join(line['of'])}")
    for each in charge["additional"]:
        lines += _row("  offered apart, 1 more", each["says"])
    for each in charge["adds_no_unit"]:
        lines += _row("  adds none", f"{each['of']} again, session {each['session']}")
    for each in charge["counted_in_other_sessions"]:
        lines += _row("  counted elsewhere", f"{each['of']}, session {each['session']}")
    for each in charge["barred"]:
        lines += _row("  no charge", f"session {each['session']}: {each['why']}")
    return lines


def _row(label: str, text: str) -> list[str]:
    first = f"{label:{LABEL}} "
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * (LABEL + 1), break_on_hyphens=False
    ) or [first.rstrip()]
