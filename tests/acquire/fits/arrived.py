"""Readings of curves as a reader's driver gives them, and a store that is used as the worker does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from tld_curves import PEAKS_005, TEMPERATURES_005, counted, rate_equation_curve

from acquire.fits.curves import fitted
from acquire.fits.running import FitFailed
from acquire.glow import preset_of
from acquire.procedure.documents.inventory import read_inventory

T = TypeVar("T")
KELVIN = np.array(TEMPERATURES_005)
COUNTS = counted(10 * rate_equation_curve(KELVIN, PEAKS_005) + 20, 1)
READER, CHIP = "tld-reader-2", "Luminescence/1"  # of the demonstration's inventory: X-1, a disc of LiF:Mg,Ti


def glow(counts: np.ndarray = COUNTS, element: str = CHIP, **more: Any) -> dict[str, Any]:
    """A glow curve of TLD-100 at 5 K/s."""
    seconds = (0.252 * np.arange(1, KELVIN.size + 1)).tolist()
    return {
        "kind": "glow-curve", "quantity": "counts", "unit": "{counts}", "value": float(counts.sum()),
        "time": "2027-02-05T10:20:00.000000Z", "monotonic_s": 1.0, "element": element, "raw": "<Curve/>",
        "axes": {
            "time": {"unit": "s", "values": seconds},
            "temperature": {"unit": "Cel", "values": (KELVIN - 273.15).tolist()},
            "signal": {"unit": "{counts}", "values": counts.tolist()},
        },
    } | more  # fmt: skip


def osl(element: str = "D-7", **more: Any) -> dict[str, Any]:
    """A decay under constant light."""
    seconds = 0.1 * np.arange(1, 401)
    light = np.random.default_rng(2).poisson(8000 * np.exp(-2 * seconds) + 900 * np.exp(-0.3 * seconds) + 20)
    axes = {"time": {"unit": "s", "values": seconds.tolist()}, "signal": {"unit": "{counts}", "values": light.tolist()}}
    return glow(element=element) | {"kind": "curve", "mode": "OSL", "axes": axes} | more


def of(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def using(connection: sqlite3.Connection) -> Any:
    """As Worker.use, in the test's own thread."""

    async def use(work: Callable[[sqlite3.Connection], T]) -> T:
        return work(connection)

    return use


class InProcess:
    """A FitProcess that fits at once; `fails` are the sentences with which it ends instead, the next one first."""

    def __init__(self, *fails: str) -> None:
        self.fails = list(fails)
        self.asked: list[tuple[str, str]] = []
        self.read: list[str] = []
        self.is_running = False

    async def fit(self, preset: str, name: str, body: bytes) -> dict[str, Any]:
        self.asked.append((preset, name))
        if self.fails:
            raise FitFailed(self.fails.pop(0))
        return fitted(preset, name, body)

    async def elements(self, name: str, inventory: bytes) -> list[list[Any]]:
        self.read.append(name)
        found = read_inventory(inventory, name).element
        presets = {each.id: preset_of(each.material) for each in found}
        return [
            [e.reader, e.read_as, e.element_index, e.id, e.material, getattr(presets[e.id], "name", None)]
            for e in found
        ]

    async def close(self) -> None:
        pass
