"""The form of a glow curve against its batch: shifted, widened, poor contact, light at its ends; and against a fit."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from acquire.quality.curve import Array
from acquire.quality.finding import Finding, Severity, not_judged
from acquire.quality.local import scatter
from acquire.quality.shape import Batch, Shape
from acquire.quality_limits import FEWEST_CHANNELS, FEWEST_OF_BATCH, SITES_OWN, SUGGESTED, TLDETECT, Limits

FIVE = 5
_SURE = 3.0  # of the noise of a channel; a median of five scatters by half of that
_MEAN_OF_NORMAL = 0.8  # mean deviation over standard deviation of normal noise
_MORE_THAN_NOISE = 1.3  # of what the noise alone leaves over


def against_batch(name: str, shape: Shape, batch: Batch, limits: Limits) -> list[Finding]:
    """Place and width of the maximum against the batch's median (dossier 4.7, class 2 and 3 of TLDetect).

    Hotter by more than 10 K and wider by more than 15 %: poor contact or a dirty disk. Shifted by more than 8 K alone:
    heated early, late or by another programme. Wider or narrower by more than 15 % alone: untypical.
    """
    if shape.top_k is None or shape.width_k is None:
        return [not_judged("Shape", f"the curve {_no_top(shape)}", SUGGESTED, name)]
    if batch.top_k is None or batch.width_k is None:
        return [not_judged("Shape", f"there are fewer than {FEWEST_OF_BATCH} curves of its kind", SUGGESTED, name)]
    shift, wider = shape.top_k - batch.top_k, 100 * (shape.width_k / batch.width_k - 1)
    if shift > limits.contact_shift_k and wider > limits.width_percent:
        said = (
            f"{name}: its maximum lies {shift:.1f} K hotter and is {wider:.0f} % wider than those of the batch; poor"
            " contact or a dirty disk, clean it and look at the curve."
        )
        return [_doubt("Poor contact", name, said, shift, limits.contact_shift_k, "K")]
    found = []
    if abs(shift) > limits.shift_k:
        said = (
            f"{name}: its maximum lies {abs(shift):.1f} K {'hotter' if shift > 0 else 'colder'} than those of the"
            " batch; it was heated early, late, or by another programme."
        )
        found.append(_doubt("Shifted curve", name, said, shift, limits.shift_k, "K"))
    if abs(wider) > limits.width_percent:
        said = (
            f"{name}: its main peak is {abs(wider):.0f} % {'wider' if wider > 0 else 'narrower'} at half its height"
            " than those of the batch; look at the curve."
        )
        found.append(_doubt("Width", name, said, wider, limits.width_percent, "%", f"{SUGGESTED}; {TLDETECT}"))
    return found


def _no_top(shape: Shape) -> str:
    if shape.faint:
        return "has too little glow over its noise"
    return "ends before its light has fallen to half" if shape.hottest_k is not None else "has no temperature"


def ends(name: str, shape: Shape, limits: Limits) -> list[Finding]:
    """Light far from the main peak, by the site's own limits: without nitrogen both ends rise, a residue the hot one.

    The dossier has the tests ((low-T + high-T)/total above the batch limit; high-T fraction) and no number for them.
    """
    if shape.below is None or shape.above is None:
        return []
    both = 100 * (shape.below + shape.above)
    found = _share(
        "Nitrogen", "ends_percent", name, both, limits.ends_percent,
        "of its light lies far below and above its main peak; glow in air (no nitrogen), oil or dust does that",
    )  # fmt: skip
    return found + _share(
        "Residue", "hot_end_percent", name, 100 * shape.above, limits.hot_end_percent,
        "of its light lies above its main peak; it was not annealed, or holds a residue of a high dose",
    )  # fmt: skip


def _share(check: str, limit_name: str, name: str, value: float, limit: float | None, what: str) -> list[Finding]:
    if limit is None:
        return [not_judged(check, f"no limit given ({limit_name})", SITES_OWN, name)]
    if value <= limit:
        return []
    return [_doubt(check, name, f"{name}: {value:.1f} % {what}.", value, limit, "%", SITES_OWN)]


def of_fit(name: str, signal: Array, fit: Array, limits: Limits) -> list[Finding]:
    """Contamination: a residual peak above 3 % of the height, or a figure of merit above 3 % (dossier 4.7).

    A residual that is a spike is none (its median of five counts), and what the noise alone leaves is no lack of the
    fit. Signal and fit, as long, in one unit.
    """
    height = float(signal.max())
    if height <= 0 or signal.size < FEWEST_CHANNELS:
        return []
    left = np.abs(np.median(sliding_window_view(signal - fit, FIVE), axis=1))
    noise = scatter(signal)
    share = 100 * float(left.max()) / height
    at = FIVE // 2 + int(left.argmax())
    if share > limits.residual_percent and float(left.max()) > _SURE * float(noise[at]):
        said = (
            f"{name}: {share:.1f} % of its height is left over by the fit at one place; another peak than the"
            " material's, as of dust or another material."
        )
        return [_doubt("Contamination", name, said, share, limits.residual_percent, "%")]
    whole = max(float(fit.sum()), 1e-300)
    fom, of_noise = 100 * float(np.abs(signal - fit).sum()) / whole, 100 * _MEAN_OF_NORMAL * float(noise.sum()) / whole
    if fom > limits.fom_percent and fom > _MORE_THAN_NOISE * of_noise:
        said = f"The figure of merit is {fom:.2f} %; a good fit lies below {limits.fom_percent:g} %."
        return [_doubt("Contamination", name, said, fom, limits.fom_percent, "%")]
    return []


def _doubt(check: str, name: str, said: str, value: float, limit: float, unit: str, source: str = SUGGESTED) -> Finding:
    return Finding(check=check, severity=Severity.DOUBT, of=name, source=source, unit=unit, value=value, limit=limit,
                   sentence=said)  # fmt: skip
