"""fit: curves of reader files taken apart into glow peaks or components, with what is to be said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquire.cli.judged import findings_json, limits_of, of_fits, told_of
from acquire.cli.writing import Force, new_file
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, emit_line, say, table, tell
from acquire.terminal.progress import waiting
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.cli.curve_files import FileCurve
    from acquire.glow import DecayResult, GlowResult, PeakResult, Settings
    from acquire.quality import Finding

KINDS = ("svg", "png")
CHOICES = {"weights": ("auto", "poisson", "gaussian"), "integral": ("exact", "kitis")}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(fit)


def fit(
    files: Annotated[
        list[Path], typer.Argument(help="Files with curves, or two columns of text.", metavar="FILE...")
    ],
    preset: Annotated[str, typer.Option("--preset", "--material", help="The material.")] = "TLD-100",
    form: Annotated[
        str | None, typer.Option(help="first, second, general, mixed, otor or otor-strong; else the preset's form.")
    ] = None,
    integral: Annotated[
        str, typer.Option(help="exact, or kitis for the published approximation of 1998.")
    ] = "exact",
    background: Annotated[
        str, typer.Option(help="none, constant, linear, exponential, blank, or auto.")
    ] = "auto",
    blank: Annotated[Path | None, typer.Option(help="Curve of an element without dose, taken off as it fits.")] = None,
    weights: Annotated[str, typer.Option(help="poisson, gaussian, or auto: Poisson's for counts.")] = "auto",
    ramp: Annotated[float | None, typer.Option(help="The heating's rate in K/s, where the file has no times.")] = None,
    interval: Annotated[
        float | None, typer.Option(help="Seconds from point to point of two columns, where the heating was no ramp.")
    ] = None,
    between: Annotated[str | None, typer.Option("--range", help="The part to fit, LOW:HIGH in K.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="A region of interest, NAME=LOW:HIGH in K.")] = None,
    limits: Annotated[Path | None, typer.Option(help="The site's limits for curves, a TOML file.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A picture: NAME.svg or NAME.png.")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take glow curves apart into peaks, and OSL decay curves into components, with warnings. Nothing is stored."""
    from acquire.glow import GlowCurve, GlowError, analyse_all, analyse_decay  # noqa: PLC0415 - brings scipy
    from acquire.glow import preset as preset_named  # noqa: PLC0415

    kind = _kind(output)
    try:
        settings = _settings(form, background, weights, integral, between, region or [])
        preset_named(preset)
        read = _read(files, ramp, interval, blank)
        glow = [(each, c) for each in read if isinstance(c := each.curve, GlowCurve)]
        decays = [(each, c) for each in read if not isinstance(c := each.curve, GlowCurve)]
        with waiting(f"Fitting {len(read)} curve(s)"):
            results: list[GlowResult | DecayResult] = [
                *analyse_all([curve for _, curve in glow], preset, settings),
                *(analyse_decay(curve) for _, curve in decays),
            ]
    except GlowError as error:
        raise Misuse(str(error)) from error
    _show(results, of_fits([each.record for each, _ in (*glow, *decays)], results, limits_of(limits)), as_json)
    refused = [f"{result.name}: {result.refused}" for result in results if result.refused]
    if refused and (as_json or len(refused) == len(results)):
        raise Refused(*refused)
    if output is not None:
        _draw(results, output, kind, force)


def _kind(output: Path | None) -> str:
    kind = "" if output is None else output.suffix.lower().removeprefix(".")
    if output is not None and kind not in KINDS:
        raise Misuse(f"{output} names no picture that can be drawn; end it with .svg or .png.")
    return kind


def _read(files: list[Path], ramp: float | None, interval: float | None, blank: Path | None) -> list[FileCurve]:
    from acquire.cli.curve_files import read_curves, with_blank  # noqa: PLC0415
    from acquire.glow import GlowCurve  # noqa: PLC0415

    read = [each for file in files for each in read_curves(file, ramp, interval)]
    if blank is None:
        return read
    return [replace(r, curve=with_blank(c, blank)) if isinstance(c := r.curve, GlowCurve) else r for r in read]


def _settings(
    form: str | None, background: str, weights: str, integral: str, between: str | None, regions: list[str]
) -> Settings:
    from acquire.glow import Settings  # noqa: PLC0415

    for what, given in (("weights", weights), ("integral", integral)):
        if given not in CHOICES[what]:
            raise Misuse(f"--{what} is '{given}'; it must be one of {', '.join(CHOICES[what])}.")
    named = [each.partition("=") for each in regions]
    if bad := next((each[0] for each in named if not each[0] or not each[1]), None):
        raise Misuse(f"'{bad}' is no region; write NAME=LOW:HIGH in K, for example 5=470:530.")
    return Settings(
        form=form,
        background=background,
        weights=weights,  # type: ignore[arg-type] # looked at above
        integral=integral,  # type: ignore[arg-type]
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


def _show(results: list[GlowResult | DecayResult], found: list[list[Finding]], as_json: bool) -> None:
    for result, findings in zip(results, found, strict=True):
        said = findings_json(findings)
        warnings = list(dict.fromkeys([*said["warnings"], *result.warnings]))
        if as_json:
            (emit if len(results) == 1 else emit_line)(result.to_json() | said | {"warnings": warnings})
        else:
            _tell(result, list(dict.fromkeys([*told_of(findings), *result.warnings])))


def _tell(result: GlowResult | DecayResult, warnings: list[str]) -> None:
    from acquire.glow import GlowResult  # noqa: PLC0415

    if result.refused is not None:
        say(f"{result.name}: {result.refused}")
    elif isinstance(result, GlowResult):
        _tell_peaks(result)
    else:
        _tell_components(result)
    for sentence in warnings:
        tell(sentence)


def _tell_peaks(result: GlowResult) -> None:
    from acquire.glow import plus_minus  # noqa: PLC0415

    said = f"{result.preset}, {result.model}, background {result.background}, FOM {result.fom_percent:.2f} %"
    columns = ("peak", "T_m / K", "E / eV", "I_m", "area, signal · K")
    table(f"{result.name}: {said}", columns, [_row(peak) for peak in result.peaks])
    groups = [("+".join(group.peaks), plus_minus(group.area, group.u_area)) for group in result.groups]
    table("Areas that are robust, signal · K", ("peaks", "area"), groups)
    if result.regions:
        table(
            "Regions, signal · K",
            ("region", "from / K", "to / K", "without background"),
            [(r.name, f"{r.low_k:.1f}", f"{r.high_k:.1f}", plus_minus(r.net, r.u_net)) for r in result.regions],
        )


def _row(peak: PeakResult) -> tuple[str, ...]:
    """A peak that is not identifiable has a question mark, as in the picture."""
    from acquire.glow import plus_minus  # noqa: PLC0415

    values = (peak.t_m_k, peak.u_t_m_k), (peak.e_ev, peak.u_e_ev), (peak.i_m, peak.u_i_m), (peak.area, peak.u_area)
    return (peak.name if peak.identified else f"{peak.name}?", *(plus_minus(value, u) for value, u in values))


def _tell_components(result: DecayResult) -> None:
    from acquire.glow import plus_minus  # noqa: PLC0415

    said = f"depleted by {100 * (result.depletion or 0):.1f} %, FOM {result.fom_percent:.2f} %"
    rows = [
        (c.name, plus_minus(c.rate_per_s, c.u_rate_per_s), plus_minus(c.light, c.u_light), f"{100 * c.emptied:.1f} %")
        for c in result.components
    ]
    table(f"{result.name}: {said}", ("component", "rate / (1/s)", "light, signal · s", "emptied"), rows)


def _draw(results: list[GlowResult | DecayResult], output: Path, kind: str, force: bool) -> None:
    """Raises Refused for more than one curve, or one that decays: a picture is of one glow curve."""
    from acquire.glow import GlowResult  # noqa: PLC0415
    from acquire.glow.picture import draw  # noqa: PLC0415 - brings matplotlib

    only = results[0]
    if len(results) > 1 or not isinstance(only, GlowResult):
        raise Refused(f"A picture is of one glow curve, not of {len(results)} curves or of a decay; fit one for -o.")
    with new_file(output, force=force) as file:
        draw(only, file, "svg" if kind == "svg" else "png")
    say(f"The picture is {output}.")
