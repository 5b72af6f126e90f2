"""Many curves at once: processes share them out, and what comes back is in the order that was given.

A fit is bound by the processor and holds Python's lock, so threads would not help. Processes are spawned, not forked: a
service has threads. Begin this from a program whose main module may be imported ("if __name__ == '__main__'").
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from acquire.glow.analysis import analyse, refit
from acquire.glow.curve import GlowCurve
from acquire.glow.presets import Preset
from acquire.glow.result import GlowResult
from acquire.glow.settings import Settings

_WORTH_A_PROCESS = 50  # curves; a process takes a second to begin


def analyse_all(
    curves: Sequence[GlowCurve],
    preset: str | Preset = "TLD-100",
    settings: Settings | None = None,
    *,
    like: GlowResult | None = None,
    workers: int = 2,
) -> list[GlowResult]:
    """`analyse` of each curve, or, where one result is given as the start of all, `refit` of each.

    Raises GlowError as these do.
    """
    work = partial(analyse, preset=preset, settings=settings) if like is None else partial(refit, like=like)
    if workers < 2 or len(curves) < _WORTH_A_PROCESS:
        return [work(curve) for curve in curves]
    share = -(-len(curves) // (4 * workers))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(work, curves, chunksize=share))
