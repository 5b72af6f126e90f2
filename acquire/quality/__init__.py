"""Reader and curve quality: what is wrong with a readout before a dose is made of it. Pure, without a fit, no I/O.

A record of a reader is plain typed values (`ReaderRecord`); a check gives findings, each with its severity, the number
it looked at, its limit, one sentence and the source of the test. docs/quality-of-curves.md is its page, with the table.
"""

from acquire.quality.curve import Curve, curve_of
from acquire.quality.curve_shape import of_fit
from acquire.quality.finding import Finding, Severity, gravest_first, not_judged, sentences
from acquire.quality.flat_top import FlatTop, equal_top
from acquire.quality.judging import Judged, judge, judge_batch, judge_light, judge_run, of_run
from acquire.quality.record import Column, ReaderRecord
from acquire.quality.siblings import against_history, spread
from acquire.quality_limits import Limits

__all__ = [
    "Column",
    "Curve",
    "Finding",
    "FlatTop",
    "Judged",
    "Limits",
    "ReaderRecord",
    "Severity",
    "against_history",
    "curve_of",
    "equal_top",
    "gravest_first",
    "judge",
    "judge_batch",
    "judge_light",
    "judge_run",
    "not_judged",
    "of_fit",
    "of_run",
    "sentences",
    "spread",
]
