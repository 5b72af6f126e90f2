"""Propagation of distributions (GUM supplement 1, JCGM 101:2008): the cross-check where a model is not linear."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.propagation import Correlations

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Shape = Literal["normal", "rectangular", "triangular", "arcsine", "student"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """An input: its best estimate and standard uncertainty, and the shape that is known of it (JCGM 101 table 1).

    "student" is shifted and scaled by u with `dof` degrees of freedom, above 2.
    """

    value: float
    u: float
    shape: Shape = "normal"
    dof: float = math.inf

    def __post_init__(self) -> None:
        finite_fields(self)


@dataclass(frozen=True, slots=True)
class Simulated:
    """Mean, standard uncertainty and the probabilistically symmetric interval of the output, with how it was drawn."""

    value: float
    u: float
    low: float
    high: float
    p: float
    draws: int
    seed: int


@finite
def simulate(
    model: Callable[..., Array],
    inputs: Mapping[str, Distribution],
    *,
    draws: int = 200_000,
    seed: int = 1,
    p: float = 0.9545,
    correlations: Correlations | None = None,
) -> Simulated:
    """Draw the inputs, apply the model to arrays of draws, and summarise. Same seed, same numbers.

    model takes and gives arrays (write it with numpy, or wrap a scalar function in `each`). Correlations are possible
    between normal inputs. Raises OutsideValidity when an output is not finite.
    """
    import numpy as np  # noqa: PLC0415 - most who import the library draw nothing

    if draws < 10_000:
        raise OutsideValidity("A simulation needs at least 10 000 draws.")
    generator = np.random.Generator(np.random.PCG64(seed))
    deviates = _correlated(generator, list(inputs), inputs, correlations or {}, draws)
    output = np.asarray(model(**{name: inputs[name].value + inputs[name].u * deviates[name] for name in inputs}))
    if output.shape != (draws,) or not np.all(np.isfinite(output)):
        raise OutsideValidity("The model must give one finite number for each draw.")
    low, high = np.quantile(output, [(1 - p) / 2, (1 + p) / 2])
    return Simulated(float(np.mean(output)), float(np.std(output, ddof=1)), float(low), float(high), p, draws, seed)


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the law of propagation is confirmed: the ends of both intervals agree within δ (JCGM 101, 8)."""

    confirmed: bool
    d_low: float
    d_high: float
    delta: float


@finite
def confirms(value: float, u: float, k: float, simulated: Simulated, digits: int = 2) -> Check:
    """Hold value ± k u against the simulated interval; δ is half a unit of the last significant digit of u.

    Raises OutsideValidity.
    """
    if u <= 0:
        raise OutsideValidity("Only a result with an uncertainty above 0 can be confirmed.")
    exponent = math.floor(math.log10(u)) - (digits - 1)
    delta = 0.5 * 10.0**exponent
    d_low, d_high = abs(value - k * u - simulated.low), abs(value + k * u - simulated.high)
    return Check(d_low <= delta and d_high <= delta, d_low, d_high, delta)


@finite
def p_conform_drawn(
    *,
    deviation_percent: float,
    tolerance_percent: float,
    u_measured_percent: float,
    u_expected_percent: float,
    dof_measured: float = math.inf,
    dof_expected: float = math.inf,
    draws: int = 1_000_000,
    seed: int = 1,
) -> float:
    """The probability of conformity (0 to 1) by drawing both doses and looking at their ratio (JCGM 101, 106).

    A dose with finite degrees of freedom is drawn from Student's distribution, scaled by u (JCGM 101, 6.4.9).
    """
    import numpy as np  # noqa: PLC0415

    generator = np.random.Generator(np.random.PCG64(seed))

    def dose(value: float, u_percent: float, dof: float) -> Array:
        normal = math.isinf(dof)
        deviates = generator.standard_normal(draws) if normal else generator.standard_t(dof, draws)
        return value * (1 + u_percent / 100 * deviates)

    measured = dose(1 + deviation_percent / 100, u_measured_percent, dof_measured)
    expected = dose(1.0, u_expected_percent, dof_expected)
    return float(np.mean(np.abs(measured / expected - 1) <= tolerance_percent / 100))


def _correlated(
    generator: np.random.Generator,
    names: list[str],
    inputs: Mapping[str, Distribution],
    correlations: Correlations,
    draws: int,
) -> dict[str, Array]:
    """Deviates of mean 0 and standard deviation 1, in the order of the inputs."""
    import numpy as np  # noqa: PLC0415

    own = {name: _deviates(generator, inputs[name], draws) for name in names}
    if not correlations:
        return own
    involved = [name for name in names if any(name in pair for pair in correlations)]
    if any(inputs[name].shape != "normal" for name in involved):
        raise OutsideValidity("Correlations are drawn between normal inputs only.")
    matrix = np.eye(len(involved))
    for (a, b), r in correlations.items():
        if a not in involved or b not in involved or a == b or not -1 <= r <= 1:
            raise OutsideValidity(f"The correlation of '{a}' and '{b}' must name two inputs and lie in -1 to 1.")
        i, j = involved.index(a), involved.index(b)
        matrix[i, j] = matrix[j, i] = r
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-9:
        raise OutsideValidity("The correlations contradict each other.")
    mixing = vectors * np.sqrt(np.clip(values, 0, None))
    mixed = mixing @ np.stack([own[name] for name in involved])
    return own | {name: mixed[i] for i, name in enumerate(involved)}


def _deviates(generator: np.random.Generator, each: Distribution, draws: int) -> Array:
    import numpy as np  # noqa: PLC0415

    match each.shape:
        case "normal":
            return generator.standard_normal(draws)
        case "rectangular":
            return generator.uniform(-math.sqrt(3), math.sqrt(3), draws)
        case "triangular":
            return generator.triangular(-math.sqrt(6), 0, math.sqrt(6), draws)
        case "arcsine":
            return math.sqrt(2) * np.sin(generator.uniform(-math.pi, math.pi, draws))
        case "student":
            if not each.dof > 2:
                raise OutsideValidity("A Student distribution needs more than 2 degrees of freedom.")
            return generator.standard_t(each.dof, draws)
    raise OutsideValidity(f"The shape '{each.shape}' is unknown.")
