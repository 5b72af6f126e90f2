"""The materials: which peaks each has, with the source of every starting value (presets.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from acquire.glow.errors import GlowError


class PresetPeak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A peak of a material: T_m in K under the preset's ramp, E in eV.

    optional: tried only where the others leave something over. assumed: not taken from a document that was read.
    """

    name: str
    t_m_k: float
    e_ev: float
    optional: bool = False
    assumed: bool = False


class PresetRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A region by its peaks: from the valley below peak `from` to `above_k` kelvin above peak `to`."""

    name: str
    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")
    above_k: float


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A material: its kinetic form, the ramp (K/s) of its T_m, its peaks from cold to hot, its usual regions.

    main: the peak it is used for, which no usual curve has much lower than its highest.
    """

    title: str
    form: str
    ramp_k_s: float
    source: str
    peaks: tuple[PresetPeak, ...]
    regions: tuple[PresetRegion, ...] = ()
    main: str | None = None
    name: str = ""

    @property
    def assumed(self) -> tuple[str, ...]:
        """The peaks whose starting values are assumed."""
        return tuple(peak.name for peak in self.peaks if peak.assumed)


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    said = tomllib.loads(files("acquire.glow").joinpath("presets.toml").read_text("utf-8"))
    return {name: msgspec.convert({**each, "name": name}, Preset) for name, each in said.items()}


def preset(name: str) -> Preset:
    """The preset of this name, upper or lower case. Raises GlowError, naming those there are."""
    for known, found in presets().items():
        if known.casefold() == name.casefold():
            return found
    raise GlowError(f"There is no preset '{name}'; there are {', '.join(presets())}.")


def preset_of(material: str) -> Preset | None:
    """The preset of an element's material as an inventory states it: one that begins with its name or its compound.

    "TLD-700", "LiF:Mg,Ti 3x3x0.9 mm". None for a material without a preset.
    """
    first = material.strip().casefold().partition(" ")[0]
    for known, found in presets().items():
        if first in (known.casefold(), found.title.casefold().partition(" ")[0]) and known != "single":
            return found
    return None
