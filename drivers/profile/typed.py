"""Settings and parameters of a profile as typed models, and how a value is written to the instrument and held against
its word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from drivers.driver import WireSettings
from drivers.profile.document import Profile, Typed
from drivers.settings import NoParameters, Settings


def fault_of_value(typed: Typed, value: object) -> str | None:
    """What is wrong with a value; None: nothing."""
    if typed.values:
        return None if value in typed.values else f"'{value}' is not allowed; allowed are {', '.join(typed.values)}"
    low, high = typed.min, typed.max
    if isinstance(value, str) or not isinstance(value, int | float):
        return f"'{value}' is no number"
    if low is None or high is None or low <= value <= high:
        return None
    return f"{value:g} is not allowed; allowed are {low:g} to {high:g} {typed.unit}"


def written(typed: Typed, value: object) -> str:
    """As it stands in a request."""
    return str(value) if typed.values else f"{float(str(value)):.{typed.decimals}f}"


def is_said(typed: Typed, wanted: str, told: str) -> bool:
    """Whether the instrument's word says what was written."""
    if typed.values:
        return told == wanted
    try:
        return float(told) == float(wanted)
    except ValueError:
        return False


def settings_of(profile: Profile) -> type[WireSettings]:
    """Those of every instrument on a wire, as the profile has them unless told otherwise, and its own."""
    line = profile.line
    fields: dict[str, Any] = {
        "poll_interval_s": (float, Field(line.poll_interval_s, ge=0, le=60)),
        "timeout_s": (float, Field(line.timeout_s, gt=0, le=120)),
        "serial": (type(line.serial), line.serial),
    }
    for name, each in profile.setting.items():
        default = each.default if each.values or each.decimals else int(float(each.default))
        fields[name] = (_annotation(each), default)
    return create_model(_title(profile.name, "Settings"), __base__=WireSettings, __module__=__name__, **fields)


def parameters_of(name: str, typed: Mapping[str, Typed]) -> type[Settings]:
    """The parameters of a command; every one must be given."""
    if not typed:
        return NoParameters
    fields: dict[str, Any] = {key: (_annotation(each), ...) for key, each in typed.items()}
    return create_model(_title(name, "Parameters"), __base__=Settings, __module__=__name__, **fields)


def _annotation(typed: Typed) -> Any:
    if typed.values:
        return Literal[typed.values]
    number = float if typed.decimals else int
    return Annotated[number, Field(ge=typed.min, le=typed.max, description=f"in {typed.unit}")]


def _title(name: str, ending: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-")) + ending
