"""The page shows a glow curve taken apart, by the material that the inventory states; the sealed record does not."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tld_curves import PEAKS_005, TEMPERATURES_005, counted, rate_equation_curve

from acquire.record import drawn, evidence, html
from acquire.record.glow import fit_of

KELVIN = np.array(TEMPERATURES_005)
COUNTS = counted(10 * rate_equation_curve(KELVIN, PEAKS_005) + 20, 1)
EQUIPMENT = {"elements": [{"id": "X-1", "material": "LiF:Mg,Ti disc"}, {"id": "X-2", "material": "glass"}]}


def curve(counts: np.ndarray = COUNTS, **changed: Any) -> dict[str, Any]:
    seconds = (0.25 * np.arange(1, KELVIN.size + 1)).tolist()
    made = {
        "kind": "glow-curve",
        "title": "Glow curve of X-1",
        "element": "X-1",
        "unit": "{counts}",
        "x": {"label": "time / s", "values": seconds},
        "y": {"label": "signal / counts per channel", "values": counts.tolist()},
        "heater": {"x": seconds, "y": (KELVIN - 273.15).tolist()},
    }
    return made | changed


def test_a_curve_is_fitted_as_the_material_of_its_element() -> None:
    shown = fit_of(curve(), EQUIPMENT)
    assert shown is not None
    assert shown.title.startswith("Glow curve of X-1 fitted as TLD-100 (LiF:Mg,Ti), first, figure of merit ")
    assert any("overlap" in said for said in shown.says)
    assert shown.picture is not None
    kind, _, picture = shown.picture.partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_a_curve_of_a_reader_that_tells_no_times_is_fitted_over_its_temperatures() -> None:
    celsius = (KELVIN - 273.15).tolist()
    bare = {name: value for name, value in curve().items() if name != "heater"}
    over = bare | {"x": {"label": "temperature / °C", "values": celsius}}
    shown, timed = fit_of(over, EQUIPMENT), fit_of(curve(), EQUIPMENT)
    assert shown is not None
    assert timed is not None
    assert shown.title == timed.title
    assert shown.picture is not None
    assert f"temperature / °C from {celsius[0]:.4g} to {celsius[-1]:.4g}, " in drawn.curve(over).alt
    assert "dashed line" not in drawn.curve(over).alt
    assert "The dashed line is the heater, up to " in drawn.curve(curve()).alt


@pytest.mark.parametrize(
    ("axes", "x", "y", "heater"),
    [
        (
            {"temperature": ("Cel", [50.0, 60.0]), "signal": ("{counts}", [6, 7])},
            ("temperature / °C", [50.0, 60.0]), "signal / counts per channel", None,
        ),
        (
            {"temperature": ("K", [323.15, 333.15]), "signal": ("nC", [6, 7])},
            ("temperature / °C", [50.0, 60.0]), "signal / nC per channel", None,
        ),
        (
            {"time": ("s", [1, 2]), "temperature": ("K", [323.15, 333.15]), "signal": ("{counts}", [6, 7])},
            ("time / s", [1, 2]), "signal / counts per channel", {"x": [1, 2], "y": [50.0, 60.0]},
        ),
        (
            {
                "time": ("s", [1, 2]), "heater-time": ("s", [0, 3]), "heater-temperature": ("K", [323.15, 333.15]),
                "signal": ("{counts}", [6, 7]),
            },
            ("time / s", [1, 2]), "signal / counts per channel", {"x": [0, 3], "y": [50.0, 60.0]},
        ),
        (
            {"time": ("s", [1, 2]), "signal": ("{counts}", [6, 7])}, ("time / s", [1, 2]),
            "signal / counts per channel", None,
        ),
    ],
)  # fmt: skip
def test_a_curve_of_the_record_has_the_axes_and_units_of_its_reading(
    monkeypatch: pytest.MonkeyPatch, axes: dict[str, Any], x: tuple[str, list[float]], y: str, heater: Any
) -> None:
    body = {"kind": "glow-curve", "axes": {name: {"unit": u, "values": v} for name, (u, v) in axes.items()}}
    monkeypatch.setattr(evidence, "body_at", lambda *_: body)
    made = evidence._glow_curve(None, "T-1", (SimpleNamespace(stream="s", seq=1),))  # type: ignore[arg-type]
    assert made is not None
    assert (made["x"]["label"], made["x"]["values"]) == x
    assert made["y"]["label"] == y
    assert made.get("heater") == heater


def test_what_has_neither_times_nor_temperatures_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"kind": "glow-curve", "axes": {"signal": {"unit": "{counts}", "values": [1, 2]}}}
    monkeypatch.setattr(evidence, "body_at", lambda *_: body)
    assert evidence._glow_curve(None, "T-1", (SimpleNamespace(stream="s", seq=1),)) is None  # type: ignore[arg-type]


def test_a_curve_that_cannot_be_fitted_says_why_and_another_has_no_fit() -> None:
    clipped = fit_of(curve(np.minimum(COUNTS, 4000)), EQUIPMENT)
    assert clipped is not None
    assert clipped.picture is None
    assert "range was exceeded" in clipped.says[0]
    assert fit_of(curve(element="X-2"), EQUIPMENT) is None
    assert fit_of(curve(element="X-3"), EQUIPMENT) is None
    assert fit_of({k: v for k, v in curve().items() if k != "heater"}, EQUIPMENT) is None


def test_what_the_fit_leaves_over_is_said_beside_it() -> None:
    """Dust that glows at 390 K, in a peak narrower than any trap of the material."""
    dust = COUNTS + np.round(1500 * np.exp(-(((KELVIN - 390) / 5) ** 2)))
    shown = fit_of(curve(dust), EQUIPMENT)
    assert shown is not None
    assert any("of its height is left over by the fit at one place" in said for said in shown.says)
    sound = fit_of(curve(), EQUIPMENT)
    assert sound is not None
    assert not any("left over" in said for said in sound.says)


async def test_the_page_shows_it_and_the_sealed_record_does_not(record: dict[str, Any]) -> None:
    """Worked case A reads one chip, X-1, with a glow curve."""
    text = html(record)
    assert "Glow curve of X-1 fitted as TLD-100" in text
    assert text.count('class="fit"') == 1
    assert "no dose depends on it" in text
    assert "fitted as" not in json.dumps(record)
