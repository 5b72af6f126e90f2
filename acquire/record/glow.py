"""Glow curves of the record taken apart into their peaks, for the page that people read.

The fit is made anew with each page, from the curve in the record and the material that the inventory states. It judges
the curve; no dose depends on it, and it is not part of what is sealed: the same curve may give another last digit on
another machine.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from acquire.record.evidence import OVER_TEMPERATURE

if TYPE_CHECKING:
    from acquire.glow import GlowResult

Row = tuple[float, ...]
_KEPT = 32  # fits; a page is made more than once of one record, and a picture takes half a second


@dataclass(frozen=True, slots=True)
class ShownFit:
    """What the page shows of a fit: its picture (none where the curve is refused), a title and sentences."""

    picture: Markup | None
    title: str
    says: tuple[str, ...]


def fit_of(curve: dict[str, Any], equipment: dict[str, Any]) -> ShownFit | None:
    """The fit of a curve of the record, by what the record's equipment says of its element.

    A curve without times has its temperatures in their place. None for what is no glow curve, has no temperature, or is
    of a material without a preset.
    """
    element = next((e for e in equipment["elements"] if e["id"] == curve.get("element")), None)
    if element is None or not ("heater" in curve or curve["x"]["label"] == OVER_TEMPERATURE):
        return None
    heater = curve.get("heater", {"x": (), "y": curve["x"]["values"]})
    columns = (curve["x"]["values"], curve["y"]["values"], heater["x"], heater["y"])
    return _fit(element["id"], element["material"], curve["unit"], *map(tuple, columns))


@lru_cache(_KEPT)
def _fit(
    element: str, material: str, unit: str, time_s: Row, signal: Row, heater_s: Row, heater_c: Row
) -> ShownFit | None:
    # With SciPy and matplotlib, imported only where there is such a curve.
    from acquire.glow import ZERO_CELSIUS_K, GlowError, analyse, glow_curve, of_heater, preset_of  # noqa: PLC0415

    preset = preset_of(material)
    if preset is None:
        return None
    kelvin = [celsius + ZERO_CELSIUS_K for celsius in heater_c]
    try:
        read = (
            of_heater(time_s, signal, heater_s, kelvin, unit=unit, name=element)
            if heater_s
            else glow_curve(kelvin, signal, unit=unit, name=element)
        )
        result = analyse(read, preset)
    except GlowError as error:
        return _not_fitted(element, str(error))
    if result.refused is not None:
        return _not_fitted(element, result.refused)
    said = tuple(dict.fromkeys((*result.warnings, *_left_over(result))))
    return ShownFit(_embedded(result), _title(result, preset.title), said)


def _left_over(result: GlowResult) -> tuple[str, ...]:
    """What the fit leaves over that another material may be."""
    import numpy as np  # noqa: PLC0415

    from acquire.quality import Limits, of_fit, sentences  # noqa: PLC0415

    if result.drawn is None:
        return ()
    return sentences(of_fit(result.name, np.array(result.drawn.signal), np.array(result.drawn.fit), Limits()))


def _not_fitted(element: str, why: str) -> ShownFit:
    return ShownFit(None, f"The glow curve of {element} is not fitted", (why,))


def _title(result: GlowResult, compound: str) -> str:
    from acquire.glow import plus_minus  # noqa: PLC0415

    groups = "; ".join(f"{'+'.join(group.peaks)}: {plus_minus(group.area, group.u_area)}" for group in result.groups)
    return (
        f"Glow curve of {result.name} fitted as {result.preset} ({compound}), {result.model}, figure of merit"
        f" {result.fom_percent:.2f} %; areas of peaks in signal · K, {groups}"
    )


def _embedded(result: GlowResult) -> Markup:
    """The picture as an address that holds it, so that nothing is fetched; PNG, a tenth of the size of its SVG."""
    from acquire.glow.picture import draw  # noqa: PLC0415

    file = io.BytesIO()
    draw(result, file, "png")
    return Markup("data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii"))
