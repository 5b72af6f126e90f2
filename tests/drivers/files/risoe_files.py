"""Writers of small BIN and BINX records, byte by byte at the offsets of tld_readers.md section 3.1; values invented."""

from __future__ import annotations

import struct

SIZES = {3: 272, 4: 272, 5: 423, 6: 447, 7: 447, 8: 507}
OLD = {
    "LTYPE": (8, "B"), "LOW": (9, "f"), "HIGH": (13, "f"), "RATE": (17, "f"), "TOLDELAY": (27, "h"), "TOLON": (29, "h"),
    "TOLOFF": (31, "h"), "POSITION": (33, "B"), "RUN": (34, "B"), "TIME": (35, 6), "DATE": (42, 6), "SEQUENCE": (49, 8),
    "USER": (58, 8), "DTYPE": (67, "B"), "IRR_TIME": (68, "f"), "AN_TEMP": (79, "f"), "AN_TIME": (83, "f"),
    "SAMPLE": (105, 20), "COMMENT": (126, 80), "LIGHTSOURCE": (207, "B"), "SET": (208, "B"), "GRAIN": (210, "H"),
    "LIGHTPOWER": (212, "f"), "SYSTEMID": (216, "H"),
}  # fmt: skip
NEW = {  # offsets of version 6; version 8 is one byte further from RECTYPE on, version 5 four less behind IRR_DOSERATE
    "RUN": (14, "h"), "SET": (16, "h"), "POSITION": (18, "h"), "GRAIN": (20, "h"), "CURVENO": (22, "h"),
    "SAMPLE": (28, 20), "COMMENT": (49, 80), "SYSTEMID": (130, "h"), "FNAME": (132, 100), "USER": (233, 30),
    "TIME": (264, 6), "DATE": (271, 6), "DTYPE": (278, "B"), "NORM1": (284, "f"), "BG": (296, "f"), "TAG": (302, "B"),
    "LTYPE": (323, "B"), "LIGHTSOURCE": (324, "B"), "LIGHTPOWER": (325, "f"), "LOW": (329, "f"), "HIGH": (333, "f"),
    "RATE": (337, "f"), "MEASTEMP": (343, "h"), "AN_TEMP": (345, "f"), "AN_TIME": (349, "f"), "TOLDELAY": (353, "h"),
    "TOLON": (355, "h"), "TOLOFF": (357, "h"), "IRR_TIME": (359, "f"), "IRR_TYPE": (363, "B"),
    "IRR_DOSERATE": (364, "f"), "TIMESINCEIRR": (372, "i"), "DEADTIME": (399, "f"), "XRF_DEADTIMEF": (419, "f"),
}  # fmt: skip
SEVEN = {"DETECTOR_ID": (423, "B"), "LOWERFILTER_ID": (424, "h"), "UPPERFILTER_ID": (426, "h")}
USUAL = {
    "SAMPLE": "chips", "POSITION": 3, "DATE": "010626", "TIME": "90215", "LOW": 0.0, "HIGH": 8.0, "AN_TEMP": 4.0,
    "TOLDELAY": 2, "TOLON": 1, "TOLOFF": 1, "RATE": 5.0,
}  # fmt: skip
COUNTS = (6, 7, 5, 5)


def risoe(
    version: int = 8, counts: tuple[int, ...] = COUNTS, garbage: bytes = b"", previous: int = 0, **fields: float | str
) -> bytes:
    """One record. garbage: what stands behind the texts, as real readers leave it."""
    data = bytearray(SIZES[version])
    data[0] = version
    length = SIZES[version] + 4 * len(counts)
    struct.pack_into("<HHH" if version < 5 else "<iii", data, 2, length, previous, len(counts))
    if version == 8:
        data[14] = 1
    for name, value in (USUAL | fields).items():
        offset, code = place(version, name)
        if isinstance(code, str):
            struct.pack_into(f"<{code}", data, offset, value)
        else:
            text = str(value).encode("latin-1")
            room = data[offset + 1 : offset + 1 + code]
            room[: len(text + garbage)] = (text + garbage)[:code]
            data[offset : offset + 1 + code] = bytes([len(text)]) + room
    return bytes(data) + struct.pack(f"<{len(counts)}i", *counts)


def place(version: int, name: str) -> tuple[int, str | int]:
    """Offset of a field and its struct code, or the room for a text."""
    if version < 5:
        return OLD[name]
    offset, code = (NEW | SEVEN)[name]
    behind_error = offset >= 372
    return offset + (version == 8) - (4 if version == 5 and behind_error else 0), code


def regions(count: int) -> bytes:
    """A version 8 record of regions of interest."""
    data = bytearray(b"\xa5" * (507 + 504 * count))
    struct.pack_into("<Bxiii", data, 0, 8, len(data), 0, count)
    data[1], data[14] = 0, 128
    return bytes(data)
