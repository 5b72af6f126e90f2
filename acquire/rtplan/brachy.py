"""The brachytherapy part of an RT Plan: sources with their strength, channels with dwell times.

A control point states the cumulative time weight up to it; the dwell at a position is the share between two control
points of one position, of the channel's total time (PS3.3, RT Brachy Application Setups).
"""

from __future__ import annotations

from typing import Any

from acquire.rtplan.model import Channel, Source
from acquire.rtplan.values import NotAsDicom, items, must, number, text, whole


def sources_of(data: Any) -> list[Source]:
    """Every source. Raises NotAsDicom for one without half-life or strength."""
    return [
        Source(
            number=whole(of, "SourceNumber"),
            isotope=text(of, "SourceIsotopeName"),
            half_life_d=must(of, "SourceIsotopeHalfLife"),
            strength_u=must(of, "ReferenceAirKermaRate"),
            strength_at=_moment(of),
        )
        for of in items(data, "SourceSequence")
    ]


def channels_of(data: Any) -> list[Channel]:
    """Every channel of every application setup, in order. Raises NotAsDicom."""
    found = []
    for setup in items(data, "ApplicationSetupSequence"):
        for channel in items(setup, "ChannelSequence"):
            total, final = must(channel, "ChannelTotalTime"), must(channel, "FinalCumulativeTimeWeight")
            found.append(
                Channel(
                    number=whole(channel, "ChannelNumber"),
                    source=whole(channel, "ReferencedSourceNumber"),
                    total_s=total,
                    dwells=_dwells(channel, total, final),
                )
            )
    return found


def _dwells(channel: Any, total: float, final: float) -> tuple[tuple[float, float], ...]:
    found: dict[float, float] = {}
    before = 0.0
    for point in items(channel, "BrachyControlPointSequence"):
        position, weight = number(point, "ControlPointRelativePosition"), number(point, "CumulativeTimeWeight")
        if position is None or weight is None:
            raise NotAsDicom("a brachytherapy control point states no position or no CumulativeTimeWeight")
        if weight < before - 1e-9 * final or weight > final * (1 + 1e-6):
            raise NotAsDicom("CumulativeTimeWeight falls, or passes its final value")
        found[position] = found.get(position, 0.0) + (weight - before) / final * total
        before = weight
    return tuple((position, seconds) for position, seconds in found.items() if seconds > 0)


def _moment(of: Any) -> str:
    day, time = text(of, "SourceStrengthReferenceDate"), text(of, "SourceStrengthReferenceTime")
    return f"{day} {time}".strip()
