"""fit: glow curves of reader files taken apart into peaks, with what is to be said of them. Nothing is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquire.cli.writing import new_file
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, emit_line, say, table, tell
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.glow import GlowCurve, GlowResult, PeakResult, Settings

LARGEST_MB = 64.0
KINDS = ("svg", "png")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(fit)


def fit(
    files: Annotated[
        list[Path], typer.Argument(help="Files with glow curves, or two columns of text.", metavar="FILE...")
    ],
    preset: Annotated[str, typer.Option("--preset", "--material", help="The material.")] = "TLD-100",
    form: Annotated[
        str | None, typer.Option(help="Kinetic form: first, second, general, mixed or otor; else the preset's.")
    ] = None,
    background: Annotated[
        str, typer.Option(help="none, constant, linear, exponential, blank, or auto.")
    ] = "auto",
    blank: Annotated[Path | None, typer.Option(help="Curve of an element without dose, taken off as it fits.")] = None,
    weights: Annotated[str, typer.Option(help="poisson, gaussian, or auto: Poisson's for counts.")] = "auto",
    ramp: Annotated[float | None, typer.Option(help="The heating's rate in K/s, where the file has no times.")] = None,
    between: Annotated[str | None, typer.Option("--range", help="The part to fit, LOW:HIGH in K.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="A region of interest, NAME=LOW:HIGH in K.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A picture: NAME.svg or NAME.png.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take glow curves apart into peaks: T_m, E, areas, groups, figure of merit and warnings. Nothing is stored."""
    from acquire.glow import GlowError, analyse  # noqa: PLC0415 - brings scipy
    from acquire.glow import preset as preset_named  # noqa: PLC0415

    kind = _kind(output)
    try:
        settings = _settings(form, background, weights, between, region or [])
        preset_named(preset)
        curves = [curve for file in files for curve in _curves(file, ramp)]
        if blank is not None:
            curves = [_with_blank(curve, blank) for curve in curves]
        results = [analyse(curve, preset, settings) for curve in curves]
    except GlowError as error:
        raise Misuse(str(error)) from error
    _show(results, as_json)
    refused = [f"{result.name}: {result.refused}" for result in results if result.refused]
    if refused and (as_json or len(refused) == len(results)):
        raise Refused(*refused)
    if output is not None:
        _draw(results, output, kind)


def _kind(output: Path | None) -> str:
    kind = "" if output is None else output.suffix.lower().removeprefix(".")
    if output is not None and kind not in KINDS:
        raise Misuse(f"{output} names no picture that can be drawn; end it with .svg or .png.")
    return kind


def _settings(form: str | None, background: str, weights: str, between: str | None, regions: list[str]) -> Settings:
    from acquire.glow import Settings  # noqa: PLC0415

    if weights not in ("auto", "poisson", "gaussian"):
        raise Misuse(f"There are no weights '{weights}'; there are auto, poisson and gaussian.")
    named = [each.partition("=") for each in regions]
    if bad := next((each[0] for each in named if not each[1]), None):
        raise Misuse(f"'{bad}' is no region; write NAME=LOW:HIGH in K, for example 5=470:530.")
    return Settings(
        form=form,
        background=background,
        weights=weights,  # type: ignore[arg-type] # looked at above
        range_k=None if between is None else _span(between),
        regions=tuple((name, *_span(ends)) for name, _, ends in named) or None,
    )


def _span(text: str) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    try:
        span = float(low), float(high)
    except ValueError:
        span = (0.0, 0.0)
    if not colon or not 0 < span[0] < span[1] < 2000:
        raise Misuse(f"'{text}' is no part of a curve; write LOW:HIGH in K, for example 470:530.")
    return span


def _curves(file: Path, ramp: float | None) -> list[GlowCurve]:
    """The glow curves of a file: of a format that is known, or two columns. Raises Refused and GlowError."""
    from acquire.glow import GlowError, looks_like_columns, of_axes, read_columns  # noqa: PLC0415
    from drivers.files import Unreadable, options_of, parse_file, read_whole, shown, sniff  # noqa: PLC0415

    name = shown(file.name)
    try:
        data = read_whole(file, LARGEST_MB, follow=True)
    except Unreadable as error:
        raise Refused(str(error)) from error
    known = sniff(data)
    if known is None:
        text = data.decode("utf-8", "replace")
        if not looks_like_columns(text):
            raise Refused(f"{name} is no reader file that is known here, and no two columns of temperature and signal.")
        try:
            return [read_columns(text, name, ramp)]
        except GlowError as error:
            raise Refused(str(error)) from error
    found = parse_file(name, data, options_of(known, {}), known)
    glow = [each for each in found.samples if each.kind == "glow-curve"]
    if not glow:
        raise Refused(f"{name} ({found.format}) holds no glow curve, only {len(found.samples)} other readouts.")
    curves = []
    for number, each in enumerate(glow, start=1):
        try:
            curves.append(of_axes(each.axes, f"{name}, {each.element or number}, curve {number}"))
        except GlowError as error:
            say(f"{name}, curve {number}: {error}")
    if not curves:
        raise Refused(f"{name} holds no glow curve with a temperature.")
    return curves


def _with_blank(curve: GlowCurve, file: Path) -> GlowCurve:
    from dataclasses import replace  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    from acquire.glow import GlowError, checked  # noqa: PLC0415

    try:
        blank = checked(_curves(file, None)[0])
    except GlowError as error:
        raise Refused(f"The blank cannot be used: {error}") from error
    return replace(curve, blank=np.interp(curve.temperature_k, blank.temperature_k, blank.signal))


def _show(results: list[GlowResult], as_json: bool) -> None:
    if as_json:
        if len(results) == 1:
            emit(results[0].to_json())
        else:
            for result in results:
                emit_line(result.to_json())
        return
    for result in results:
        _tell(result)


def _tell(result: GlowResult) -> None:
    from acquire.glow import plus_minus  # noqa: PLC0415

    if result.refused is not None:
        say(f"{result.name}: {result.refused}")
        return
    said = f"{result.preset}, {result.model}, background {result.background}, FOM {result.fom_percent:.2f} %"
    columns = ("peak", "T_m / K", "E / eV", "I_m", "area", "identified")
    table(f"{result.name}: {said}", columns, [_row(peak) for peak in result.peaks])
    groups = [("+".join(group.peaks), plus_minus(group.area, group.u_area)) for group in result.groups]
    table("Areas that are robust, signal · K", ("peaks", "area"), groups)
    table(
        "Regions, signal · K",
        ("region", "from / K", "to / K", "without background"),
        [(r.name, f"{r.low_k:.1f}", f"{r.high_k:.1f}", plus_minus(r.net, r.u_net)) for r in result.regions],
    )
    for sentence in result.warnings:
        tell(sentence)


def _row(peak: PeakResult) -> tuple[str, ...]:
    from acquire.glow import plus_minus  # noqa: PLC0415

    values = (peak.t_m_k, peak.u_t_m_k), (peak.e_ev, peak.u_e_ev), (peak.i_m, peak.u_i_m), (peak.area, peak.u_area)
    return (peak.name, *(plus_minus(value, u) for value, u in values), "yes" if peak.identified else "no")


def _draw(results: list[GlowResult], output: Path, kind: str) -> None:
    """Raises Refused for more than one curve: a picture is of one."""
    from acquire.glow.picture import draw  # noqa: PLC0415 - brings matplotlib

    if len(results) > 1:
        raise Refused(f"There are {len(results)} curves, and a picture is of one; fit one file at a time for -o.")
    with new_file(output) as file:
        draw(results[0], file, "svg" if kind == "svg" else "png")
    say(f"The picture is {output}.")
