"""The formats that are written: how, under which end of a file's name, and how their elements are found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drivers.errors import Misuse
from drivers.files import bin_fields, bin_writing, winrems_writing, xlum_writing, xsyg_writing
from drivers.files.format import Format
from drivers.files.risoe_bin import RISOE_BIN
from drivers.files.winrems import WINREMS
from drivers.files.xlum import XLUM
from drivers.files.xsyg import XSYG
from drivers.reading import Sample


@dataclass(frozen=True, slots=True)
class Target:
    """A format that is written.

    write(samples, first): the file's bytes; first is the number of the first readout, for sentences. Raises Misuse.
    namings: by which of its options elements can be found again, the usual one first. over_time: whether its curves
    need times. restated: attributes that say once more what stands elsewhere. by_itself: what every file of it says,
    whatever was read, in a sentence.
    """

    format: Format
    write: Callable[[Sequence[Sample], int], bytes]
    namings: tuple[Mapping[str, str], ...] = ({},)
    over_time: bool = False
    restated: frozenset[str] = frozenset()
    by_itself: str = ""


def target(suffix: str, version: int = 8) -> Target:
    """What is written into a file whose name ends so (".binx"). version: of BINX. Raises Misuse."""
    if suffix.lower() == ".binx":
        return _binx(version)
    if suffix.lower() not in OTHERS:
        raise Misuse(f"'{suffix}' is the end of no file that is written; there are .binx, .xsyg, .xlum and .ASC.")
    return OTHERS[suffix.lower()]


def _binx(version: int) -> Target:
    if version not in bin_writing.WRITTEN:
        raise Misuse(f"Version {version} of BINX is not written; there are {', '.join(map(str, bin_writing.WRITTEN))}.")

    def write(samples: Sequence[Sample], first: int) -> bytes:
        return b"".join(bin_writing.written(bin_fields.described(samples, version, first), first))

    namings = tuple({"element_from": each} for each in ("sample-position", "sample", "position"))
    return Target(RISOE_BIN, write, namings, restated=frozenset({"TOLDELAY", "TIMESINCEIRR"}))


def _xlum(samples: Sequence[Sample], first: int) -> bytes:
    return xlum_writing.written(samples, xlum_writing.NOT_SAID, first=first)


OTHERS = {
    ".xsyg": Target(
        XSYG, xsyg_writing.written, tuple({"element_from": each} for each in ("sample-position", "record-name")),
        over_time=True,
    ),
    ".xlum": Target(
        XLUM, _xlum, over_time=True, restated=frozenset({"sequenceStepNumber"}),
        by_itself="XLUM gives times as UTC (Z): the reader's clock, whose zone nobody told, stands there as it was.",
    ),
    ".asc": Target(WINREMS, winrems_writing.written),
}  # fmt: skip
