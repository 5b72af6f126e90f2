"""The site's table of limits for curves and reader runs, as people write it: in a plan's batch, or in a file alone."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from acquire import tomlfile
from acquire.quality_limits import Limits
from acquire.tomlfile import Written


def _known(table: Any) -> Any:
    """The table as it is. Raises ValueError for a key that is no limit, with those there are."""
    names = [field.name for field in fields(Limits)]
    for key in table if isinstance(table, Mapping) else ():
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"there is no limit '{key}'{hint} Allowed here: {', '.join(names)}")
    return table


LimitsTable = Annotated[Limits, BeforeValidator(_known)]


class LimitsFile(Written):
    """A file with the table alone, for `acquire import` and `acquire fit`."""

    schema_: Literal["curve-limits/1"] = Field(alias="schema")
    limits: LimitsTable


def read_limits(body: bytes, name: str) -> Limits:
    """Parse such a file. Raises FileProblem with file, line and key."""
    return tomlfile.read(body, name, LimitsFile).limits
