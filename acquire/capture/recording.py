"""The file of a recording, written line by line as the bytes come (docs/capture-format.md).

It holds bytes and seconds since its beginning, and nothing else: no address, no date, no name of a person or machine.
What an instrument tells of itself, its serial number for one, is among its bytes.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TextIO

VERSION = 1
_PLAIN = frozenset([*range(0x20, 0x7F), 0x09, 0x0A, 0x0D])
From = Literal["host", "instrument"]


class Recording:
    """An open file; every line is written at once, so that what was seen before a crash is there."""

    def __init__(self, file: TextIO, kind: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock_s = clock_s
        self._begun_s = clock_s()
        self.bytes_of: dict[From, int] = {"host": 0, "instrument": 0}
        self._write({"capture": VERSION, "transport": kind})

    @classmethod
    def create(cls, path: Path, kind: str) -> Recording:
        """Begin a new file. Raises OSError, FileExistsError where there is one: no recording is written over."""
        return cls(path.open("x", encoding="ascii"), kind)

    def passed(self, came_from: From, data: bytes) -> None:
        """Some bytes that crossed the wire."""
        self.bytes_of[came_from] += len(data)
        how = {"text": data.decode("ascii")} if _PLAIN.issuperset(data) else {"base64": _coded(data)}
        self._write({"t": self._now(), "from": came_from, **how})

    def happened(self, event: str) -> None:
        """Something that is no byte: a client came or went, the wire was lost."""
        self._write({"t": self._now(), "event": event})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _now(self) -> float:
        return round(self._clock_s() - self._begun_s, 6)

    def _write(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
