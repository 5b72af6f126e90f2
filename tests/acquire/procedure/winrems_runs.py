"""Runs of a Harshaw reader as WinREMS exports them, through a drop folder into the store: every value is invented.

A run begins with PMT noise (P) and reference light (R), which come again after every ten dosimeters.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from worked import READER, Case, WorkedClient, expected, factor, limits, part

from acquire.instruments.entries import reading_body
from drivers import registry
from drivers.files import FolderInstrument

QC = ("P", "R")
STANDARDS = ("S-1", "S-2", "S-3")
CONTROL = "C-1"
TRAVELLING = (*STANDARDS, CONTROL)
MORNING = datetime(2027, 2, 5, 9, 0)
# In nC: standards of 200 cGy and a control in a run of the sensitivity 1, and a chip that received 3.07 cGy.
SIGNAL = {"S-1": 640.5, "S-2": 640.5, "S-3": 640.5, "C-1": 0.5}
CHIP_NC = 0.5 + 3.07 * 3.2


def line(card: str, nc: float, at: datetime) -> bytes:
    """One record: `card` is the dosimeter, or P or R. Element ii is active."""
    quality = card in QC
    kind, number, code = (card, "0", "0") if quality else (" ", card, "9")
    return (
        f'"M6600", 1, {code}, 0, 1, 0, 0, "{0 if quality else 3}", "0", 0, " ", {at:%Y%m%d}, {at:%H%M%S}, {number},'
        f' "           ", "{kind}", 0.000E+0, 0.000, 0, 1.000E+0, 1.000, {round(1000 * nc)}, 0.000E+0, 0.000, 0,'
        ' 0.000E+0, 0.000, 0, "pC"\n'
    ).encode()


def run_of(
    *cards: str, sensitivity: float = 1.0, begin: datetime = MORNING, every_s: float = 46.0, light: float = 10_600.0
) -> bytes:
    """Records one after the other; what a dosimeter reads goes with the run's sensitivity. `light`: of R, nC."""
    texts = []
    for n, card in enumerate(cards):
        nc = {"P": 0.12, "R": light}.get(card) or sensitivity * SIGNAL.get(card, CHIP_NC)
        texts.append(line(card, nc, begin + timedelta(seconds=n * every_s)))
    return b"".join(texts)


class Folder:
    """A drop folder whose readings go into the store as the service would bring them there."""

    def __init__(self, path: Path, client: WorkedClient) -> None:
        self.path = path / "in"
        self.path.mkdir(exist_ok=True)
        self._client, self._now, self._written = client, 1000.0, 0
        model = registry.model("winrems")
        settings = model.settings.model_validate({"settle_s": 0.0, "journal": path / "taken"})
        self._folder = FolderInstrument(model, f"dir:{self.path}", settings, clock=lambda: self._now)
        self._open = False

    async def put(self, name: str, text: bytes, *, append: bool = False) -> int:
        """A file is written, or appended to, and taken; returns how many readings came of it."""
        self.write(name, text, append=append)
        return await self.take()

    def write(self, name: str, text: bytes, *, append: bool = False) -> None:
        with (self.path / name).open("ab" if append else "wb") as file:
            file.write(text)
        self._written += 1
        os.utime(self.path / name, (1_800_000_000 + self._written,) * 2)

    async def take(self) -> int:
        if not self._open:
            await self._folder.open()
            self._open = True
        self._now += 120.0
        found = await self._folder.take()
        if found:
            self._client.put(READER, [msgspec.json.decode(reading_body(each)) for each in found])
            await self._folder.confirm()
        return len(found)


def chips_case(*chips: str, name: str = "W", **batch: Any) -> Case:
    """A point for each chip; standards of 200 cGy, a control, a coefficient from the standards of the run."""
    case = Case(name)
    case.instrument(READER, "winrems")
    for each in TRAVELLING:
        case.element(each, 1.0, "tld")
    case.batches = [
        {
            "reader": READER, "standards": list(STANDARDS), "controls": [CONTROL],
            "standard_dose": factor(200.0, "cGy"), "rcf_u_percent": 1.5, "coefficient_range": [2.5, 7.5], **batch,
        }
    ]  # fmt: skip
    for chip in chips:
        case.element(chip, 1.0, "tld")
        case.point(
            f"at-{chip}", "tld", "6 MV", elements=[chip], uncertainty=[part("reading", 1.5, per="element")],
            factors={"k_f": factor(1.0), "k_l": factor(1.0), "k_q": factor(1.0)},
            expected=expected(3.07, 1.5), limits=limits(20, 30),
        )  # fmt: skip
    case.place_and_read([f"at-{chip}" for chip in chips])
    return case
