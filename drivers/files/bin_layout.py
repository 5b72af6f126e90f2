"""Where what stands in a Risø BIN (versions 3, 4) or BINX (5 to 8) record: a header of fixed size, then the counts.

Little endian, unaligned, texts as Pascal short strings whose rest may be garbage. The tables are those of the
manufacturer's structure as an open reader has it; sizes and LENGTH were held against every record of twelve public
files.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from struct import Struct, calcsize
from typing import Any

ROI_BYTES = 504  # of one region of interest in a record of that type
ROI = 128
CURVES = (0, 1)
MOST_POINTS = 65535  # the manufacturer's limit is 9999; LENGTH of version 3 and 4 has 16 bits
DERIVED_UP_TO = 20_000  # points; of longer curves the axis, which can be computed again, is left out

_OLD = (
    "VERSION B, x, LENGTH H, PREVIOUS H, NPOINTS H, LTYPE B, LOW f, HIGH f, RATE f, TEMPERATURE h, XCOORD h, YCOORD h,"
    "TOLDELAY h, TOLON h, TOLOFF h, POSITION B, RUN B, TIME 7p, DATE 7p, SEQUENCE 9p, USER 9p, DTYPE B, IRR_TIME f,"
    "IRR_TYPE B, IRR_UNIT B, BL_TIME f, BL_UNIT B, AN_TEMP f, AN_TIME f, NORM1 f, NORM2 f, NORM3 f, BG f, SHIFT h,"
    "SAMPLE 21p, COMMENT 81p, LIGHTSOURCE B, SET B, TAG B, GRAIN H, LIGHTPOWER f, SYSTEMID H,"
)
_3 = _OLD + "36x, ONTIME f, OFFTIME f, GATE_ENABLED B, GATE_START f, GATE_STOP f, x"
_4 = _OLD + (
    "20x, CURVENO h, TIMETICK f, ONTIME i, STIMPERIOD i, GATE_ENABLED B, GATE_START f, GATE_STOP f, PTENABLED B, 10x"
)
_WHO = (
    "RUN h, SET h, POSITION h, GRAIN h, CURVENO h, XCOORD h, YCOORD h, SAMPLE 21p, COMMENT 81p, SYSTEMID h, FNAME 101p,"
    "USER 31p, TIME 7p, DATE 7p, DTYPE B, BL_TIME f, BL_UNIT B, NORM1 f, NORM2 f, NORM3 f, BG f, SHIFT h, TAG B, 20x,"
    "LTYPE B, LIGHTSOURCE B, LIGHTPOWER f, LOW f, HIGH f, RATE f, TEMPERATURE h, MEASTEMP h, AN_TEMP f, AN_TIME f,"
    "TOLDELAY h, TOLON h, TOLOFF h, IRR_TIME f, IRR_TYPE B, IRR_DOSERATE f,"
)
_HOW = (
    "TIMESINCEIRR i, TIMETICK f, ONTIME i, STIMPERIOD i, GATE_ENABLED B, GATE_START i, GATE_STOP i, PTENABLED B,"
    "DTENABLED B, DEADTIME f, MAXLPOWER f, XRF_ACQTIME f, XRF_HV f, XRF_CURR i, XRF_DEADTIMEF f,"
)
_BEGIN = "VERSION B, x, LENGTH i, PREVIOUS i, NPOINTS i,"
_FILTERS = "DETECTOR_ID B, LOWERFILTER_ID h, UPPERFILTER_ID h, ENOISEFACTOR f,"
_MARKS = "X1 f, Y1 f, X2 f, Y2 f, X3 f, Y3 f, EXTR_START f, EXTR_END f,"
_WITH_ERROR = _WHO + "IRR_DOSERATEERR f," + _HOW
_TABLES = {
    3: _3,
    4: _4,
    5: _BEGIN + _WHO + _HOW + "4x",
    6: _BEGIN + _WITH_ERROR + "24x",
    7: _BEGIN + _WITH_ERROR + _FILTERS + "15x",
    8: _BEGIN + "RECTYPE B," + _WITH_ERROR + _FILTERS + _MARKS + "42x",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The header of one version: its fields in their order, and the structs of it and of what begins it.

    start: VERSION, LENGTH, PREVIOUS, NPOINTS and, in version 8, RECTYPE. offsets: byte at which each field begins.
    header: the named tuple that a record's fields are read into.
    """

    version: int
    names: tuple[str, ...]
    codes: dict[str, str]
    offsets: dict[str, int]
    header: Any
    struct: Struct
    start: Struct

    @property
    def size(self) -> int:
        """Bytes of the header, before the counts."""
        return self.struct.size


def _layout(version: int) -> Layout:
    parts = [each.split() for each in _TABLES[version].split(",")]
    codes = {part[0]: part[1] for part in parts if len(part) == 2}
    before = ["<" + "".join(part[-1] for part in parts[:n]) for n in range(len(parts) + 1)]
    offsets = {part[0]: calcsize(before[n]) for n, part in enumerate(parts) if len(part) == 2}
    start = "<BxHHH" if version < 5 else "<Bxiii" + ("B" if version == 8 else "")
    header = namedtuple(f"Header{version}", codes)  # type: ignore[misc] # its fields stand in the table
    return Layout(version, tuple(codes), codes, offsets, header, Struct(before[-1]), Struct(start))


LAYOUTS = {version: _layout(version) for version in _TABLES}

LTYPES = (
    "TL", "OSL", "IRSL", "M-IR", "M-VIS", "TOL", "TRPOSL", "RIR", "RBR", "USER", "POSL", "SGOSL", "RL", "XRF",
)  # fmt: skip
DTYPES = (
    "Natural", "N+dose", "Bleach", "Bleach+dose", "Natural (Bleach)", "N+dose (Bleach)", "Dose", "Background",
)  # fmt: skip
LIGHTSOURCES = (
    "none", "lamp", "IR diodes or laser", "calibration LED", "blue diodes", "white light", "green laser (single grain)",
    "IR laser (single grain)",
)  # fmt: skip
BL_UNITS = ("mJ", "J", "s", "min", "h")
IRR_UNITS = ("Gy", "rad", "s", "min", "h")
