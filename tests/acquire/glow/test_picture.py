"""Pictures: what they show is in them, the same analysis gives the same bytes, and what was refused has none."""

from __future__ import annotations

import io
import re
from typing import Literal
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
from tld_curves import PEAKS_005, TEMPERATURES_005, noisy, rate_equation_curve

from acquire.glow import GlowError, GlowResult, analyse, glow_curve
from acquire.glow.picture import draw

KELVIN = np.array(TEMPERATURES_005)


def drawn(result: GlowResult, kind: Literal["svg", "png"]) -> bytes:
    file = io.BytesIO()
    draw(result, file, kind)
    return file.getvalue()


def test_a_picture_shows_peaks_regions_residuals_and_both_axes() -> None:
    result = analyse(glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, PEAKS_005) + 2, 1.5, 1), name="chip 17"))
    made = drawn(result, "svg").decode()
    assert ElementTree.fromstring(made).tag.endswith("svg")
    words = set(re.findall(r"<!-- (.*?) -->", made))
    assert {"region 3 to 5", "region 4 and 5", "measured", "fit", "background, linear"} <= words
    assert {"temperature / K", "temperature / °C", "signal − fit", "signal per point / arbitrary units"} <= words
    assert f"TLD-100, first order, FOM {result.fom_percent:.2f} %" in words
    assert len(re.findall(r'id="FillBetweenPolyCollection', made)) == 5 == len(result.peaks)
    assert drawn(result, "svg").decode() == made
    assert drawn(result, "png").startswith(b"\x89PNG")


def test_a_curve_that_was_refused_has_no_picture() -> None:
    with pytest.raises(GlowError, match="no picture of a curve that was not analysed: The highest signal is 0"):
        drawn(analyse(glow_curve(KELVIN, 0 * KELVIN)), "svg")


def test_a_peak_that_is_not_identifiable_is_explained_and_a_form_is_written_out() -> None:
    result = analyse(glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, PEAKS_005) + 2, 1.5, 1)))
    first = msgspec.structs.replace(result.peaks[0], identified=False)
    doubtful = msgspec.structs.replace(result, model="otor", peaks=(first, *result.peaks[1:]))
    said = "n?: peak that is not identifiable"
    words = set(re.findall(r"<!-- (.*?) -->", drawn(doubtful, "svg").decode()))
    assert {said, f"TLD-100, one trap (OTOR), FOM {result.fom_percent:.2f} %"} <= words
    assert said not in drawn(result, "svg").decode()
