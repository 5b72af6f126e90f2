"""A simulated Harshaw 6600 reader whose WinREMS appends ASCII export lines to a file.

The 29 fields follow published export files of such a reader; the names of the correction fields are inferred.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulators.clock import Clock
from simulators.files.reader_clock import ReaderClock
from simulators.model import FileModel

ASSUMED = (
    "RCF and ECC are the correction factors each element carries, 0 where none is applied",
    "a pair of P (noise) and R (reference light) lines comes first and after every ten dosimeters",
    "lines end with CR LF and are appended to one export file",
    "one dosimeter takes 30 s to read",
)
OPTIONS = ("file", "rcf", "ecc", "start", "read_time_s", "terminator", "light_drift_percent", "tray")
Charges = tuple[float | None, float | None, float | None, float | None]
QC_EVERY = 10


class WinRems:
    """The reader. Options: file (name of the export), rcf, ecc, start (ISO date and time), read_time_s, terminator,
    light_drift_percent (of the reference light, from one quality pair to the next), tray (cards that are read at once
    when it starts).
    """

    def __init__(self, folder: Path, clock: Clock, seed: int, options: Mapping[str, Any]) -> None:
        self.folder = folder
        self.clock = clock
        self.emitted = 0
        self._rng = random.Random(f"{seed}:winrems")
        self._name = str(options.get("file", "EXPORT.ASC"))
        self._rcf = float(options.get("rcf", 0.0))
        self._ecc = float(options.get("ecc", 0.0))
        self._shown = ReaderClock(clock, options)
        self._at = self._shown.now()
        self._read_time = timedelta(seconds=float(options.get("read_time_s", 30.0)))
        self._drift = 1 + float(options.get("light_drift_percent", 0.0)) / 100
        self._lit = 0
        self._end = str(options.get("terminator", "\r\n"))
        self._since_qc = QC_EVERY

    def read_out(self, dosimeters: Sequence[tuple[int, Charges]]) -> Path:
        """Read cards `(card_id, (q1, q2, q3, q4))`, charges in pC, None for an inactive element; gives the
        export's path.
        """
        path = self.folder / self._name
        self._at = max(self._at, self._shown.now())
        with path.open("a", encoding="ascii", newline="") as export:
            for card, charges in dosimeters:
                if self._since_qc >= QC_EVERY:
                    export.write(self._qc_line("P") + self._qc_line("R"))
                    self._since_qc = 0
                export.write(self._line(card, " ", charges))
                self._since_qc += 1
                self.emitted += 1
            if self._since_qc >= QC_EVERY:
                export.write(self._qc_line("P") + self._qc_line("R"))
                self._since_qc = 0
        return path

    def read_out_request(self, request: Mapping[str, Any]) -> Path:
        """`read_out` from the back door: `{"dosimeters": [[card, [q1, q2, q3, q4]], ...]}`, charges in pC.

        Raises ValueError for a card that has not four.
        """
        return self.read_out([(int(card), _four(charges)) for card, charges in request["dosimeters"]])

    def read_tray(self, chips: int) -> None:
        """So many cards that were irradiated alike, within 3 %; elements ii and iii are active."""
        drawn = [(self._rng.gauss(80_000.0, 2_400.0), self._rng.gauss(80_000.0, 2_400.0)) for _ in range(chips)]
        self.read_out([(n, (None, *two, None)) for n, two in enumerate(drawn, start=1)])

    def state(self) -> Mapping[str, Any]:
        """A JSON-ready picture for the back door."""
        return {"emitted": self.emitted}

    def _qc_line(self, kind: str) -> str:
        level, spread = (90.0, 10.0) if kind == "P" else (78000.0, 400.0)
        if kind == "R":
            level *= self._drift**self._lit
            self._lit += 1
        drawn = [max(0.0, self._rng.gauss(level, spread)) for _ in range(4)]
        return self._line(0, kind, _four(drawn))

    def _line(self, card: int, kind: str, charges: Charges) -> str:
        qc = kind != " "
        active = ", ".join("0" if charge is None else "1" for charge in charges)
        head = f'"M6600", 1, {0 if qc else 9}, {active}, "{0 if qc else 3}", "0", 0, " "'
        when = f"{self._at:%Y%m%d}, {self._at:%H%M%S}"
        triples = ", ".join(self._triple(charge, qc) for charge in charges)
        self._at += self._read_time
        return f'{head}, {when}, {card}, "{" " * 11}", "{kind}", {triples}, "pC"{self._end}'

    def _triple(self, charge: float | None, qc: bool) -> str:
        if charge is None:
            return "1.000E+0, 1.000, 0"
        rcf, ecc = (0.0, 0.0) if qc else (self._rcf, self._ecc)
        mantissa, exponent = f"{rcf:.3E}".split("E")
        return f"{mantissa}E{int(exponent):+d}, {ecc:.3f}, {round(charge)}"


def _four(charges: Sequence[float | None]) -> Charges:
    if len(charges) != 4:
        raise ValueError(
            f"A card has four elements; {len(charges)} charges were given, write null for an inactive one."
        )
    first, second, third, fourth = charges
    return (first, second, third, fourth)


MODEL = FileModel("winrems", "Harshaw 6600 TLD reader, WinREMS ASCII export", ASSUMED, OPTIONS, WinRems)
