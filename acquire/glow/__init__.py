"""Glow curves and decay curves: from what a TLD or OSL reader measured to peaks, areas and warnings.

A library of its own, pure: `analyse(curve, preset)` gives a frozen record that goes into JSON. docs/glow-curves.md is
its page. Temperatures are in kelvin, energies in eV, areas in signal · K.
"""

from acquire.glow.analysis import analyse, refit
from acquire.glow.batch import analyse_all
from acquire.glow.checking import checked
from acquire.glow.columns import looks_like_columns, read_columns
from acquire.glow.curve import ZERO_CELSIUS_K, GlowCurve, glow_curve, of_axes, of_heater
from acquire.glow.decay import Component, DecayCurve, DecayResult, analyse_decay, decay_curve
from acquire.glow.errors import GlowError
from acquire.glow.intervals import IntervalResult, interval_signal
from acquire.glow.judging import plus_minus
from acquire.glow.presets import Preset, PresetPeak, preset, preset_of, presets
from acquire.glow.result import GlowResult, GroupResult, PeakResult, RegionResult, Residuals
from acquire.glow.settings import Settings

__all__ = [
    "ZERO_CELSIUS_K",
    "Component",
    "DecayCurve",
    "DecayResult",
    "GlowCurve",
    "GlowError",
    "GlowResult",
    "GroupResult",
    "IntervalResult",
    "PeakResult",
    "Preset",
    "PresetPeak",
    "RegionResult",
    "Residuals",
    "Settings",
    "analyse",
    "analyse_all",
    "analyse_decay",
    "checked",
    "decay_curve",
    "glow_curve",
    "interval_signal",
    "looks_like_columns",
    "of_axes",
    "of_heater",
    "plus_minus",
    "preset",
    "preset_of",
    "presets",
    "read_columns",
    "refit",
]
