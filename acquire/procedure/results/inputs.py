"""Every number that goes into a dose: values out of the selected readings' bytes, factors out of the documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec.structs import replace

from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.dwell_check import dwell_check
from acquire.procedure.methods.registry import method_of
from acquire.procedure.methods.releases import BEAMS_SEEN, FIRST, chosen
from acquire.procedure.records.inputs import Inputs
from acquire.procedure.records.selection import (
    ConsoleTime,
    Of,
    OfCharges,
    OfElements,
    OfSpectrumFile,
    OfThresholds,
    OfTranscribed,
    Selection,
)
from acquire.procedure.results.irradiation import share_of_beam
from acquire.procedure.results.loading import load_named
from acquire.procedure.results.preparing import Preparing, begun, sources_of
from acquire.procedure.results.read_charges import largest_signal, read_charges, read_charges_of_first
from acquire.procedure.results.read_elements import read_elements
from acquire.procedure.results.read_spectrum import read_spectrum
from acquire.procedure.results.read_thresholds import read_thresholds
from acquire.procedure.results.read_transcribed import read_transcribed
from acquire.procedure.results.reader_run_told import told_of_run


def prepare(
    connection: sqlite3.Connection, selection: Selection, release: str | None = None, *, is_part: bool = False
) -> Inputs:
    """The inputs of a result, as a release of the formulas asks for them. What forbids a number stands under `invalid`.

    is_part: of a beam whose rest was measured in another session.

    Depends on nothing but the selection and the bytes it names. Raises Refused when those are not in the store.
    """
    preparing = begun(connection, selection)
    preparing.is_part = is_part
    before: Inputs | None = None
    parts: tuple[Inputs, ...] | None = None
    beside: tuple[Inputs, ...] | None = None
    try:
        method = method_of(preparing.point.method, release)
        preparing.needs = method.needs(preparing.sources, preparing.point)
        _dwell(preparing)
        if selection.parts is not None:
            parts = tuple(prepare(connection, part, release) for part in selection.parts)
        if selection.beside is not None:
            beside = tuple(prepare(connection, each, release) for each in selection.beside)
        if selection.began is not None:
            before = prepare(connection, selection.began, release, is_part=True)
            preparing.before_share = share_of_beam(before.measured)
        if selection.of is not None:
            chosen(READ[type(selection.of)], release).read(preparing, selection.of)
    except (Refused, Invalid, DosimetryError) as reason:
        if not preparing.invalid or str(reason) not in " ".join(preparing.invalid):
            preparing.invalid.append(str(reason))
    return replace(_inputs(preparing, parts, beside), began=before)


@dataclass(frozen=True, slots=True)
class Read:
    """How the readings of one way of measuring are read, from a release of the formulas on."""

    since: str
    read: Callable[[Preparing, Any], None]


# By what was selected; the versions of each, the newest first.
READ: Mapping[type[Of], tuple[Read, ...]] = {
    OfCharges: (Read(BEAMS_SEEN, read_charges), Read(FIRST, read_charges_of_first)),
    OfTranscribed: (Read(FIRST, read_transcribed),),
    OfThresholds: (Read(FIRST, read_thresholds),),
    OfElements: (Read(FIRST, read_elements),),
    OfSpectrumFile: (Read(FIRST, read_spectrum),),
}


def _inputs(preparing: Preparing, parts: tuple[Inputs, ...] | None, beside: tuple[Inputs, ...] | None) -> Inputs:
    selection, point = preparing.selection, preparing.point
    bound = selection.bound is not None and point.id in selection.bound
    return Inputs(
        point=point.id,
        method=point.method,
        invalid=tuple(preparing.invalid),
        remarks=tuple(preparing.remarks),
        channel=selection.channel,
        bound_detector=point.detector if bound else None,
        reader_run=told_of_run(preparing.connection, selection.of) if isinstance(selection.of, OfElements) else None,
        transcribed=selection.of.transcribed.says if isinstance(selection.of, OfTranscribed) else None,
        dwell=preparing.dwell,
        quality=preparing.quality,
        doubts=preparing.doubts,
        needs=preparing.needs,
        measured=preparing.measured,
        parts=parts,
        beside=beside,
    )


def _dwell(preparing: Preparing) -> None:
    """Brachytherapy: the console's time against plan and decay. Raises Refused, Blocked."""
    source = preparing.sources.plan.source
    if source is None or isinstance(preparing.selection.of, OfSpectrumFile):
        return
    console = preparing.selection.console
    preparing.dwell = dwell_check(source, console if isinstance(console, ConsoleTime) else None)
    preparing.remarks.append(preparing.dwell.says)


def held_against_neighbours(connection: sqlite3.Connection, selection: Selection, of: OfCharges) -> None:
    """Raises Blocked where a diode of another port collected more, Invalid or Refused where that is not known."""
    sources = sources_of(connection, selection, date.fromisoformat(selection.day))
    point, bodies = sources.plan.point_named(selection.point), load_named(connection, selection.readings)
    largest_signal(connection, of, point, sources.inventory, bodies)
