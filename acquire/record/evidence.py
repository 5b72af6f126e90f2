"""What stands behind a result: the readings with their raw replies, and the curves to draw."""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime
from typing import Any

from acquire.canonical import parse
from acquire.procedure.methods.collected_charge import IN_NC
from acquire.procedure.records.output import SpectrumPlot
from acquire.procedure.records.selection import Ref, Refs
from acquire.procedure.results.result import Result
from acquire.procedure.session.closing import closed
from acquire.store.attribution import measurement
from acquire.store.entries import between, body_at
from acquire.store.made import Made

AROUND = 500  # entries of the stream looked at before and after a measurement
OVER_TEMPERATURE = "temperature / °C"  # the label of a glow curve without times
ZERO_CELSIUS_K = 273.15
SHARE = 0.5  # of the measurement's time that is drawn before and after it


def of_result(connection: sqlite3.Connection, result: Result) -> dict[str, Any]:
    """Readings by what they were used for, and the curves of the measurement or of the elements."""
    over = closed(connection, result.session)
    selected = result.selection
    readings = {name: [_reading(connection, ref) for ref in refs] for name, refs in selected.readings.items()}
    curves = [c for name, refs in selected.readings.items() if (c := _glow_curve(connection, name, refs))]
    if "measurement" in selected.measurements:
        refs = selected.readings.get("measurement", ())
        curve = _charge_curve(connection, selected.measurements["measurement"], refs, over[0] if over else None)
        curves += [curve] if curve else []
    if result.output.spectrum is not None:
        curves.append(_spectrum_curve(result.output.spectrum.spectrum.plot))
    return {"readings": readings, "curves": curves}


def _reading(connection: sqlite3.Connection, ref: Ref) -> dict[str, Any]:
    """A reading without its arrays (those are the curves), with the reply it was parsed from."""
    body = body_at(connection, ref.stream, ref.seq)
    kept = {key: value for key, value in body.items() if key not in ("axes", "monotonic_s")}
    return {**kept, "stream": ref.stream, "seq": ref.seq, "digest": ref.digest}


def _charge_curve(
    connection: sqlite3.Connection, measurement_id: str, refs: Refs, over: Made | None
) -> dict[str, Any] | None:
    """Charge in nC against seconds since the begin marker, on the host's clock, with the stream around it: of the
    channel whose readings counted, which is not the markers' where a diode lay elsewhere than planned. Of one on
    another instrument the readings are all there is, and the first one counts as the beginning.

    over: when the session was closed. What came after it is drawn within the measurement alone: an instrument goes on
    being read, and the record stays as it is.
    A reading without a value is a None among the values: the line is broken there.
    """
    view = measurement(connection, measurement_id)
    if view.begin_seq is None or view.end_seq is None or view.stream is None:
        return None
    stream, first, last, channel, since = view.stream, view.begin_seq, view.end_seq, view.channel, "begin marker"
    if refs:
        channel = body_at(connection, refs[0].stream, refs[0].seq).get("channel")
    if refs and refs[0].stream != stream:
        stream, first, last, since = refs[0].stream, refs[0].seq, refs[-1].seq, "first reading"
    begin, end = (_time(body_at(connection, stream, seq)["time"]) for seq in (first, last))
    lasted = (end - begin).total_seconds()
    points = []
    for entry in between(connection, stream, first - AROUND, last + AROUND):
        late = over is not None and over.precedes(entry.receipt)
        if entry.status != "stored" or (late and not first <= entry.seq <= last):
            continue
        body = parse(entry.body)
        at = (_time(body["time"]) - begin).total_seconds()
        of_it = channel is None or body.get("channel") == channel
        drawn = of_it and -SHARE * lasted <= at <= (1 + SHARE) * lasted
        if drawn and body.get("quantity") == "charge" and body["unit"] in IN_NC:
            value = body.get("value")
            points.append((at, None if value is None else value * IN_NC[body["unit"]]))
    if sum(p[1] is not None for p in points) < 2:
        return None
    return {
        "kind": "charge",
        "title": "Charge against time",
        "x": {"label": f"time since the {since} / s", "values": [p[0] for p in points]},
        "y": {"label": "charge / nC", "values": [p[1] for p in points]},
        "interval": [0.0, lasted],
    }


def _glow_curve(connection: sqlite3.Connection, name: str, refs: Refs) -> dict[str, Any] | None:
    """Signal against time, with the heater's temperature where the reader gives it; a reader that tells no times (BIN
    files, exports of 200 channels) gives it against temperature."""
    body = body_at(connection, refs[0].stream, refs[0].seq) if refs else {}
    axes = body.get("axes") or {}
    heat = _celsius(axes, "temperature")
    if body.get("kind") != "glow-curve" or "signal" not in axes or ("time" not in axes and heat is None):
        return None
    counted = axes["signal"]["unit"] == "{counts}"
    over = ("time / s", axes["time"]["values"]) if "time" in axes else (OVER_TEMPERATURE, heat)
    curve: dict[str, Any] = {
        "kind": "glow-curve",
        "title": f"Glow curve of {name}",
        "element": name,
        "unit": axes["signal"]["unit"],
        "x": dict(zip(("label", "values"), over, strict=True)),
        "y": {
            "label": f"signal / {'counts' if counted else axes['signal']['unit']} per channel",
            "values": axes["signal"]["values"],
        },
    }
    if "heater-time" in axes and (traced := _celsius(axes, "heater-temperature")) is not None:
        curve["heater"] = {"x": axes["heater-time"]["values"], "y": traced}
    elif "time" in axes and heat is not None:
        curve["heater"] = {"x": axes["time"]["values"], "y": heat}
    return curve


def _celsius(axes: dict[str, Any], name: str) -> list[float] | None:
    """A column of temperatures in °C; None where there is none, or in another unit than Cel or K."""
    below = {"Cel": 0.0, "K": ZERO_CELSIUS_K}.get(axes.get(name, {}).get("unit"))
    if below is None:
        return None
    values: list[float] = axes[name]["values"]
    return [round(each - below, 6) for each in values] if below else values


def _spectrum_curve(plot: SpectrumPlot) -> dict[str, Any]:
    """y·d(y) against log y: equal areas are equal dose."""
    return {
        "kind": "spectrum",
        "title": "Microdosimetric spectrum",
        "x": {"label": "log10(y / (keV/µm))", "values": [math.log10(y) for y in plot.y_kev_um]},
        "y": {"label": "y d(y)", "values": list(plot.y_d)},
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
