"""What an element had been through when a session began, for its record: as the store knew it then.

What came to be known later, and what happened to it since, stands in its own history (acquire elements show), so that
a record that is printed again is the same.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from acquire.procedure.stock.elements import known_element
from acquire.procedure.stock.history import History, history


def before_session(connection: sqlite3.Connection, element: str, known_at: str) -> dict[str, Any] | None:
    """The same in plain values, with a sentence; None for an element that the store's stock did not have.

    accumulated_gy: what it is known to have received, at_most_gy: with what was expected where no dose is known.
    """
    known = known_element(connection, element, known_at)
    if known is None:
        return None
    found = history(connection, known, known_at)
    emptied = found.emptied
    return {
        "batch": known.batch,
        "barcode": known.barcode,
        "accumulated_gy": found.accumulated_gy,
        "at_most_gy": found.at_most_gy,
        "irradiations": len(found.irradiations),
        "irradiated_at": found.irradiated_at,
        "readings": found.readings,
        "emptied": None if emptied is None else {"what": emptied.what, "at": emptied.moment, "how": emptied.source},
        "says": _says(found),
    }


def _says(found: History) -> str:
    parts = [f"{found.accumulated_gy:.4g} Gy in {len(found.irradiations)} irradiations"]
    if found.at_most_gy > found.accumulated_gy:
        parts[0] += f" (at most {found.at_most_gy:.4g} Gy: some have no result)"
    if found.irradiated_at is not None:
        parts.append(f"the last on {found.irradiated_at[:10]}")
    parts.append(f"read {found.readings} times")
    if (emptied := found.emptied) is None:
        parts.append("no annealing or bleaching is entered")
    else:
        how = f" ({emptied.source})" if emptied.source else ""
        parts.append(
            f"{emptied.what} on {str(emptied.moment)[:10]}{how}, read {found.readings_since_emptied} times since"
        )
    return "; ".join(parts)
