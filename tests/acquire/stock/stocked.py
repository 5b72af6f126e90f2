"""A store with a batch of chips, a reader that reads them, and calibration sessions on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from worked import READER, WorkedClient

from acquire.procedure.stock import calibrating
from acquire.procedure.stock.batches import Batch, put_batch
from acquire.procedure.stock.elements import StockElement, put_element
from acquire.procedure.stock.events import ElementEvent, ended, note

DOSE_GY = 2.0
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=365)).date()
TERMS: dict[str, Any] = {
    "dose_gy": DOSE_GY,
    "dose_u_percent": 0.8,
    "source": "Co-60, 10 x 10, 5 cm",
    "rule": "grubbs",
    "rule_limit": 0.05,
    "outside": "withdrawn",
    "valid_until": NEXT_YEAR,
}
ECC_RANGE, COEFFICIENT_RANGE = (0.7, 1.4), {"tld": (0.5, 1.2), "osl": (0.9, 2.0)}  # fmt: skip
# True sensitivities of twelve chips in nC/cGy times the mean.
SENSITIVITY = [1.00, 0.97, 1.03, 0.99, 1.02, 0.98, 1.01, 0.96, 1.04, 1.00, 0.95, 1.05]
NC_PER_CGY = 0.8


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def chips(n: int = 12) -> list[str]:
    return [f"T-{i:03}" for i in range(1, n + 1)]


class Stock:
    """One batch on one reader. Readings go into the store as the service would put them."""

    def __init__(self, connection: Any, n: int = 12, kind: str = "tld", **batch: Any) -> None:
        self.connection = connection
        self.client = WorkedClient(connection)
        self.kind = kind
        terms = {"background": "after-sensitivity", "limit_gy": 20.0} | batch
        put_batch(connection, "MD-1", Batch("B-1", kind, "LiF:Mg,Ti 3x3x0.9 mm", **terms))
        for i, name in enumerate(chips(n), start=1):
            put_element(connection, "MD-1", StockElement(name, "B-1", f"4711-{i:04}", READER, name))

    @property
    def unit(self) -> str:
        return "nC" if self.kind == "tld" else "{counts}"

    def read(self, values: dict[str, float] | list[tuple[str, float]], file: str = "tray", **more: Any) -> None:
        pairs = list(values.items()) if isinstance(values, dict) else values
        self.client.read_elements(pairs, self.unit, file, **more)

    def signal(self, i: int, gy: float = DOSE_GY, dark: float = 0.4) -> float:
        """What chip i reads after a dose in Gy, its own background included, in nC."""
        return (100 * gy * NC_PER_CGY + dark) * SENSITIVITY[i % len(SENSITIVITY)]

    def begin(self, issues: str = "ecc", who: str = "MD-1", **terms: Any) -> str:
        believed: dict[str, Any] = {"ecc_range": ECC_RANGE} if "ecc" in issues else {}
        if "rcf" in issues:
            believed["coefficient_range"] = COEFFICIENT_RANGE[self.kind]
        return calibrating.begin(self.connection, who, "B-1", READER, issues, TERMS | believed | terms)

    def irradiated(self, calibration: str, names: list[str], cycle: int = 1, run: str | None = None) -> None:
        calibrating.add(
            self.connection, calibration, "MD-1", "irradiated", names, cycle=cycle, moment=hours_ago(2), run=run
        )

    def blanks(self, calibration: str, names: list[str], cycle: int = 1, run: str | None = None) -> None:
        calibrating.add(self.connection, calibration, "MD-1", "blank", names, cycle=cycle, run=run)

    def compute(self, calibration: str, who: str = "MD-1") -> dict[str, Any]:
        return calibrating.compute(self.connection, calibration, who)

    def confirm(self, calibration: str, who: str = "MP-1") -> None:
        calibrating.confirm(self.connection, calibration, who)

    def cycle(self, calibration: str, cycle: int = 1, gain: float = 1.0, **odd: float) -> None:
        """All chips irradiated and read; `odd` gives factors by chip, "_" in the place of "-"."""
        names = chips()
        self.irradiated(calibration, names, cycle)
        factors = {name.replace("_", "-"): factor for name, factor in odd.items()}
        wobble = [1 + 0.004 * ((7 * i + 3 * cycle) % 5 - 2) for i in range(len(names))]
        self.read({name: gain * self.signal(i) * wobble[i] * factors.get(name, 1.0) for i, name in enumerate(names)},
                  f"cycle-{cycle}")  # fmt: skip

    def corrected(self) -> str:
        """The batch with element corrections in force, from two cycles; the calibration's id."""
        name = self.begin()
        self.cycle(name, 1)
        self.cycle(name, 2, gain=1.03)
        self.compute(name)
        self.confirm(name)
        return name

    def coefficient(self, file: str = "standards", **terms: Any) -> str:
        """A coefficient of the reader in force, from three standards and two blanks."""
        name = self.begin("rcf", **terms)
        self.blanks(name, ["T-011", "T-012"])
        self.irradiated(name, ["T-001", "T-002", "T-003"])
        values = {c: self.signal(i) * (1 + 0.003 * (i - 1)) for i, c in enumerate(("T-001", "T-002", "T-003"))}
        self.read(values | {"T-011": 0.4 * 0.95, "T-012": 0.42 * 1.05}, file)
        self.compute(name)
        self.confirm(name)
        return name


def every_row(connection: Any) -> None:
    """Rows of every kind of the stock, two at least of each, and one changed by two people."""
    stock = Stock(connection)
    put_batch(connection, "MD-1", Batch("B-2", "osl", "Al2O3:C", "after-sensitivity", 15.0, 400, 0.0005, "growing"))
    put_batch(
        connection, "MD-1", Batch("B-2", "osl", "Al2O3:C", "after-sensitivity", 10.0, 400, 0.0005, "growing"),
        "limit of the site", "MP-1",
    )  # fmt: skip
    card = StockElement("T-012", "B-1", "4711-0012", READER, "T-012", 2, NEXT_YEAR)
    put_element(connection, "MD-1", card, "on a card since today", "MP-1")
    put_element(connection, "MD-1", replace(card, element_index=None), "off the card", "MP-1")
    taken = ElementEvent("taken-over", "old book", dose_gy=3.0, readings=7)
    note(connection, ["T-001", "T-002"], taken, "MD-1")
    given = ElementEvent("irradiated", "linearity", hours_ago(30), 1.0, 2.0, source="6 MV")
    note(connection, ["T-003"], given, "MD-1")
    note(connection, ["T-004"], ElementEvent("withdrawn", "lost"), "MD-1")
    note(connection, ["T-004"], ElementEvent("returned", "found", confirmed_by="MP-1"), "MD-1")
    for what in ("lamp", "high-voltage"):
        ended(connection, READER, what, hours_ago(40), "serviced", "MD-1")
    stock.corrected()
    calibrating.give_up(connection, stock.coefficient(), "MP-1", "source strength was that of May")
