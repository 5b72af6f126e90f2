"""Random measurements by every dose method, twice: as the library calculates them, and as measurement equations in GTC.

The equations are written from the raw inputs (readings, coefficients, controls, standards), after the definitions of
each method and without a sensitivity coefficient: GTC propagates by itself (GUM 5.1.2, 5.2.2, G.4.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from GTC import type_a, ureal
from GTC.core import UncertainReal  # type: ignore[attr-defined,unused-ignore]

from acquire import dosimetry as d

AIR = {"temperature_c": 21.8, "pressure_kpa": 99.87, "t0_c": 20.0, "p0_kpa": 101.325}
K_TP = (273.15 + 21.8) / (273.15 + 20.0) * 101.325 / 99.87


class Twice(NamedTuple):
    """A dose by the library, and the same from GTC, in Gy."""

    ours: d.Dose
    theirs: UncertainReal


def some_dof(rng: Random) -> float:
    return rng.choice([math.inf, math.inf, float(rng.randint(2, 30))])


def factor(
    rng: Random, value: float, unit: str = "1", u: tuple[float, float] = (0.1, 3.0), key: str | None = None
) -> tuple[d.Factor, UncertainReal]:
    """A factor near a value, with a random uncertainty and degrees of freedom."""
    value *= rng.uniform(0.97, 1.03)
    u_percent, dof = rng.uniform(*u), some_dof(rng)
    return d.Factor(value, unit, u_percent, "drawn", dof, key), ureal(value, abs(value) * u_percent / 100, dof)


def factors(rng: Random, values: Mapping[str, float], key: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Several factors without unit: for the library, and for GTC."""
    made = {name: factor(rng, value, key=key) for name, value in values.items()}
    return {name: each[0] for name, each in made.items()}, {name: each[1] for name, each in made.items()}


def product(values: Mapping[str, UncertainReal]) -> Any:
    return math.prod(values.values(), start=1.0)


def component(rng: Random, name: str, per: int = 1) -> tuple[d.Contribution, list[UncertainReal]]:
    """A row in percent: one error for each of `per` elements, all of one size."""
    u_percent = rng.uniform(0.1, 3.0)
    return d.Contribution(name, u_percent, "drawn"), [ureal(1.0, u_percent / 100) for _ in range(per)]


def readings(rng: Random, mean: float, n: int, spread: float = 0.003) -> list[float]:
    return [mean * rng.gauss(1.0, spread) for _ in range(n)]


def estimate(values: list[float]) -> UncertainReal:
    return type_a.estimate(values)


# --- chips and dots ---


class Batch(NamedTuple):
    """Background and coefficient of one reader session, shared by the points that are read in it."""

    form: str
    background: d.BackgroundSignal
    b: UncertainReal
    each: UncertainReal | None
    coefficient: d.Factor
    per_cgy: Any
    standards: d.StandardsMean | None
    k_q: tuple[d.Factor, UncertainReal]  # of the site, the same for all its points


def batch(rng: Random, unit: str, inverse: bool, stated: bool) -> Batch:
    """inverse: N_D,w in cGy per signal instead of RCF; stated: of the reader's certificate instead of standards."""
    form, signal_per_cgy = rng.choice(["after-sensitivity", "before-sensitivity"]), rng.uniform(5, 20)
    level, k_q = rng.uniform(0.1, 5.0), factor(rng, 0.96, key="site")
    if stated:
        background, b = d.Factor(level, "nC", rng.uniform(5, 50), "drawn", some_dof(rng), "cal"), None
        b = ureal(level, level * background.u_percent / 100, background.dof)
        value = 1 / signal_per_cgy if inverse else signal_per_cgy
        ours, theirs = factor(rng, value, unit, key="cal")
        return Batch(form, d.stated_background(background), b, None, ours, 1 / theirs if inverse else theirs, None, k_q)
    controls = readings(rng, level, rng.randint(2, 6), 0.1)
    blanks = d.ZeroDoseReadings(0.1 * level, rng.randint(10, 20), "drawn") if rng.random() < 0.5 else None
    background = d.background_of_session(controls, "controls", "session", blanks)
    b = estimate(controls)
    if blanks is not None:
        b = ureal(sum(controls) / len(controls), blanks.sd / math.sqrt(len(controls)), blanks.n - 1)
    eccs = [rng.uniform(0.9, 1.1) for _ in range(rng.randint(1, 4))]
    raw = [(50 * signal_per_cgy + level) * rng.gauss(1, 0.01) / ecc for ecc in eccs]
    nets = [d.net_signal(q, ecc, background.value, form) for q, ecc in zip(raw, eccs, strict=True)]
    grosses = [q * ecc for q, ecc in zip(raw, eccs, strict=True)]
    mean_ecc = 1.0 if form == "after-sensitivity" else sum(eccs) / len(eccs)
    standards = d.mean_of_standards(nets, eccs, form, "session")
    # GTC: scatter of what the standards show about the one background that all of them have taken off
    scatter = ureal(0.0, standards.net * (standards.scatter_percent or 0.0) / 100, max(1, len(nets) - 1))
    mean = sum(grosses) / len(grosses) - mean_ecc * b + scatter
    u_percent, dof = rng.uniform(0.5, 2.0), some_dof(rng)
    value = standards.net / 50.0
    coefficient = d.Factor(1 / value if inverse else value, unit, u_percent, "standards", dof, "session")
    known = ureal(50.0, 0.5 * u_percent, dof)
    each = ureal(0.0, blanks.sd, blanks.n - 1) if blanks is not None else None
    return Batch(form, background, b, each, coefficient, mean / known, standards, k_q)


def _mean_net(rng: Random, of: Batch, signals: list[float], eccs: list[Any], errors: list[UncertainReal]) -> Any:
    """Mean net signal in GTC: each element has its own reading error; the controls' background is common.

    The zero-dose scatter of the elements is one evaluation of one standard deviation: one uncertain number for their
    mean, which keeps its degrees of freedom. GTC would add those of n numbers up.
    """
    n = len(signals)
    if of.form == "after-sensitivity":
        nets = [q * error * ecc - of.b for q, (_, ecc), error in zip(signals, eccs, errors, strict=True)]
        weight = 1 / math.sqrt(n)
    else:
        nets = [(q * error - of.b) * ecc for q, (_, ecc), error in zip(signals, eccs, errors, strict=True)]
        weight = math.sqrt(sum(own.value**2 for own, _ in eccs)) / n
    mean = sum(nets[1:], start=nets[0]) / n
    return mean if of.each is None else mean + ureal(0.0, of.each.u * weight, of.each.df)


def _point(rng: Random, of: Batch, names: tuple[str, ...]) -> dict[str, Any]:
    """Elements with signals from about the background to a hundred times it, and the corrections of the chain."""
    n = rng.randint(1, 3)
    eccs = [factor(rng, 1.0, u=(0.5, 2.5)) for _ in range(n)]
    net = of.background.value * math.exp(rng.uniform(-0.7, 4.5))
    signals = [(net * rng.gauss(1, 0.01) + of.background.value) / ecc.value for ecc, _ in eccs]
    row, errors = component(rng, "reading", n)
    place, (at,) = component(rng, "place")
    ks, theirs = factors(rng, dict.fromkeys(names, 1.0))
    ks["k_q"], theirs["k_q"] = of.k_q
    return {
        "signals": signals, "eccs": eccs, "row": row, "place": place, "ks": ks,
        "net": _mean_net(rng, of, signals, eccs, errors), "corrections": product(theirs) * at,
    }  # fmt: skip


def _line(rng: Random, apparent: float) -> tuple[float, float]:
    """Slope per Gy and value of a k_L that follows the apparent dose (Gy)."""
    slope = rng.uniform(-0.05, 0.05)
    return slope, 1 - slope * (apparent - 0.5)


def tld_point(rng: Random, of: Batch, *, line: bool = False) -> Twice:
    made = _point(rng, of, ("k_f",))
    elements = [
        d.ElementSignal(f"T-{i}", q, e[0]) for i, (q, e) in enumerate(zip(made["signals"], made["eccs"], strict=True))
    ]
    apparent = made["net"] / of.per_cgy / 100
    slope, k_l = _line(rng, apparent.x) if line else (0.0, 1.0)
    own, known = d.Factor(k_l, "1", 1.0, "line"), ureal(1.0, 0.01)
    ours = d.tld_dose(
        elements=elements, background=of.background, rcf=of.coefficient, factors=made["ks"] | {"k_l": own},
        pair_limit_percent=100.0, components=[made["place"]], per_element=[made["row"]], background_form=of.form,
        standards=of.standards, k_l_follows=-slope * apparent.x / k_l,
    )  # fmt: skip
    return Twice(ours, apparent * (1 - slope * (apparent - 0.5)) * known * made["corrections"])


def osl_point(rng: Random, of: Batch) -> Twice:
    made = _point(rng, of, ("k_f", "k_l", "k_theta"))
    loss, form = rng.uniform(0.0, 0.01), rng.choice(["growing", "falling"])
    ratio = 1 + loss if form == "growing" else 1 / (1 - loss)
    reads = rng.randint(1, 4)
    dots = [
        d.Dot(f"N-{i}", tuple(q / ratio**j for j in range(reads)), e[0])
        for i, (q, e) in enumerate(zip(made["signals"], made["eccs"], strict=True))
    ]
    ours = d.osl_dose(
        dots=dots, background=of.background, n_dw=of.coefficient, factors=made["ks"],
        form=d.ReaderForm(loss, form, of.form, "in-field"), pair_limit_percent=100.0, components=[made["place"]],
        per_element=[made["row"]], standards=of.standards,
    )  # fmt: skip
    return Twice(ours, made["net"] / of.per_cgy / 100 * made["corrections"])


def readers_form(rng: Random) -> Twice:
    """counts/(factor · sensitivity) − control, the control stated in mrad or read with the same factor."""
    reader, f = factor(rng, 9.1, "{counts}/mRAD", key="cal")
    by_factor = rng.random() < 0.5
    level = rng.uniform(20, 100)
    stated = d.Factor(level, "mRAD", rng.uniform(5, 50), "drawn", some_dof(rng), "cal")
    control, c = d.stated_background(stated), ureal(level, level * stated.u_percent / 100, stated.dof)
    if by_factor:
        shown = readings(rng, level, rng.randint(2, 5), 0.1)
        control, c = d.background_of_session(shown, "controls", "session"), estimate(shown) * (reader.value / f)
    n = rng.randint(1, 3)
    sensitivities = [factor(rng, 0.92, u=(0.5, 2.5)) for _ in range(n)]
    row, errors = component(rng, "reading", n)
    gross = level * (1 + math.exp(rng.uniform(-0.7, 4.5)))
    counts = [gross * rng.gauss(1, 0.005) * reader.value * s.value for s, _ in sensitivities]
    net = [q * e / (f * s) - c for q, e, (_, s) in zip(counts, errors, sensitivities, strict=True)]
    ks, theirs = factors(rng, {"k_f": 1.0, "k_q_out": 0.9})
    ours = d.reader_form_dose(
        counts=[(f"N-{i}", q, s[0]) for i, (q, s) in enumerate(zip(counts, sensitivities, strict=True))],
        control=control, control_by_factor=by_factor, reader_factor=reader, factors=ks, position="out-of-field",
        pair_limit_percent=150.0, per_element=[row],
    )  # fmt: skip
    return Twice(ours, sum(net[1:], start=net[0]) / n / 1e5 * product(theirs))


# --- charges ---


def magnitude(number: UncertainReal) -> Any:
    """The number without its sign; abs() of GTC gives the value alone."""
    return number if number.x > 0 else -number


class Charges(NamedTuple):
    """Readings after leakage: for the library, and in GTC."""

    read: dict[str, d.ReadCharge]
    leakage: d.LeakageFit
    nets: dict[str, UncertainReal]


def charges(rng: Random, means: Mapping[str, float]) -> Charges:
    """Repeats at each voltage, with one leakage current taken off them all (from a line through beam-off readings)."""
    times = [10.0 * i for i in range(rng.randint(4, 12))]
    current = rng.uniform(-0.002, 0.002)
    off = [current * t + rng.gauss(0, 0.005) for t in times]
    rate, (u, dof) = d.slope(times, off), d.slope_u(times, off)
    fit = type_a.line_fit(times, off)
    seconds, read, nets = rng.uniform(10, 60), {}, {}
    for name, mean in means.items():
        gross = readings(rng, mean, rng.randint(2, 6), 0.002)
        net = d.mean_of([q - rate * seconds for q in gross])
        read[name] = d.ReadCharge(net.value, seconds, net.sem_percent, net.n)
        nets[name] = estimate(gross) - fit.a_b[1] * seconds
    return Charges(read, d.LeakageFit(u, dof), nets)


def diode(rng: Random, n_cal: tuple[d.Factor, UncertainReal] | None = None) -> Twice:
    made = charges(rng, {"M": rng.choice([-1, 1]) * rng.uniform(1, 40)})
    own, n = n_cal or factor(rng, 3.1, "cGy/nC", key="D-11")
    svwt, s = factor(rng, 0.25, "%/Cel", u=(1, 30))
    t_cal, t0 = factor(rng, 22.0, "Cel")
    cfs, theirs = factors(rng, {"cf_ssd": 0.99, "cf_fs": 1.0, "cf_wedge": 1.0})
    t_c = rng.uniform(20, 36)
    ours = d.diode_entrance_dose(
        charge_nc=made.read["M"].nc, factors={"n_cal": own, "svwt": svwt, "t_cal": t_cal, **cfs}, temperature_c=t_c,
        components=d.reading_rows(made.read["M"], "reading", leakage=made.leakage),
    )  # fmt: skip
    return Twice(ours, magnitude(made.nets["M"]) * n * product(theirs) / (1 + s / 100 * (t_c - t0)) / 100)


FORMS: dict[str, tuple[Callable[..., float], Callable[..., float], Callable[..., Any]]] = {
    "pulsed": (d.k_s_pulsed, d.k_s_pulsed_follows, lambda n, r: 1.198 - 0.875 * r + 0.677 * r * r),
    "scanned": (d.k_s_scanned, d.k_s_scanned_follows, lambda n, r: 2.001 - 2.402 * r + 1.404 * r * r),
    "continuous": (d.k_s_continuous, d.k_s_continuous_follows, lambda n, r: (n * n - 1) / (n * n - r)),
    "tg51": (d.p_ion_pulsed, d.p_ion_pulsed_follows, lambda n, r: (1 - n) / (r - n)),
}  # fmt: skip


def chamber(rng: Random, coefficient: tuple[d.Factor, Any] | None = None) -> Twice:
    """Polarity and recombination measured in the session; N_D,w of a certificate, or of a cross-calibration."""
    sign, m = rng.choice([-1, 1]), rng.uniform(5, 30)
    drop = rng.uniform(1.01, 1.02)
    made = charges(rng, {"M": sign * m, "opposite": -sign * m * rng.uniform(0.999, 1.001), "reduced": sign * m / drop})
    read, nets = made.read, made.nets
    value, follows, equation = FORMS[rng.choice(list(FORMS))]
    r = read["M"].nc / read["reduced"].nc
    k_pol = d.k_pol(read["M"].nc, read["opposite"].nc)
    n_dw, n = coefficient or factor(rng, 0.0537, "Gy/nC", u=(0.4, 0.8), key="CH-1")
    ks, theirs = factors(rng, {"k_elec": 1.0, "k_q": 0.99, "k_pol_q0": 1.0})
    ks |= {"k_elec": d.Factor(1.001, "1", 0.1, "drawn"), "k_pol": d.Factor(k_pol, "1", 0.0, "measured"),
           "k_s": d.Factor(value(3.0, r), "1", 0.0, "measured")}  # fmt: skip
    theirs |= {"k_elec": ureal(1.001, 0.001001), "k_pol_q0": 1 / theirs["k_pol_q0"]}
    ours = d.chamber_dose_trs398(
        charge_nc=read["M"].nc, factors={"n_dw": n_dw, **ks}, **AIR,
        components=d.reading_rows(
            read["M"], "repeated readings", opposite=read["opposite"], reduced=read["reduced"],
            k_s_follows=follows(3.0, r), leakage=made.leakage,
        ),
    )  # fmt: skip
    size = (magnitude(nets["M"]) + magnitude(nets["opposite"])) / 2  # M · k_pol
    return Twice(ours, size * equation(3.0, nets["M"] / nets["reduced"]) * K_TP * n * product(theirs))


def cross_calibrated(rng: Random) -> Twice:
    """The field chamber's coefficient from a reference chamber in the same beam."""
    reference, n = factor(rng, 0.0537, "Gy/nC", u=(0.4, 0.8), key="CH-1")
    k_q, k = factor(rng, 0.99)
    a, b = readings(rng, 12.3, rng.randint(2, 6)), readings(rng, 24.6, rng.randint(2, 6))
    found = d.cross_calibration(reference, k_q, d.mean_of(a), d.mean_of(b))
    return chamber(rng, (found.factor(17), n * k * estimate(a) / estimate(b)))


def mosfet(rng: Random) -> Twice:
    before = readings(rng, rng.uniform(2000, 15000), rng.randint(2, 5), 1e-4)
    after = readings(rng, sum(before) / len(before) + rng.uniform(20, 500), rng.randint(2, 5), 1e-4)
    means = {name: d.mean_of(values) for name, values in (("before", before), ("after", after))}
    cf, c = factor(rng, 0.97, "cGy/mV")
    cfs, theirs = factors(rng, {"cf_energy": 1.0, "cf_angle": 1.0})
    scatter = {
        name: d.ThresholdScatter(mean.value * (mean.sem_percent or 0.0) / 100, "scatter", mean.n - 1)
        for name, mean in means.items()
    }
    ours = d.mosfet_dose(
        before_mv=means["before"].value, after_mv=means["after"].value, factors={"cf": cf, **cfs}, scatter=scatter
    )
    return Twice(ours, (estimate(after) - estimate(before)) * c * product(theirs) / 100)
