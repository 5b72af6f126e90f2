"""Panasonic UD-716 and UD-7900 TLD readers: a listener that hears what the reader prints on its serial line.

Nothing is ever sent: no command of these readers is public. A dosimeter is two lines, `2` and the `C` that follows;
its four elements are readings when both have come and say the same, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from drivers.driver import Listener, WireSettings
from drivers.instrument import Identity
from drivers.model import Model, Quantity, Verified
from drivers.panasonic.pairs import UNITS, BaseUnit, Pairs
from drivers.plain_words import form
from drivers.reading import Sample


class Ud700Settings(WireSettings):
    """base_unit: what the site's reader prints in; without it a reading has the reader's number and no unit.

    unit_number: the three digits that every line `1` and `2` of this reader carries; lines of another are not believed.
    timeout_s: so long a line `2` waits for its `C`.
    """

    expected_serial: None = None  # nothing that the reader prints is known to be one
    base_unit: BaseUnit | None = None
    unit_number: str | None = Field(None, pattern=form(r"^[0-9]{3}$", "three digits, such as 001"))
    timeout_s: float = Field(5.0, gt=0, le=120)


class Ud700(Listener[Ud700Settings]):
    """A UD-716 or UD-7900."""

    def __init__(self, settings: Ud700Settings) -> None:
        super().__init__(settings)
        self._pairs = Pairs(settings.base_unit, settings.unit_number)

    @property
    def measures(self) -> str:
        """As the base unit has it."""
        return UNITS[self.settings.base_unit][0]

    def identity(self) -> Identity:
        """It never says who it is."""
        return Identity("Panasonic", "UD-716/UD-7900", "", "", b"")

    def hear(self, message: bytes) -> Sequence[Sample]:
        """The samples of one line. Raises Garbled for what is none, is another reader's, came before or has no pair."""
        return self._pairs.hear(message)

    def quiet(self) -> Sequence[Sample]:
        """A dosimeter whose second line did not come: its elements without numbers."""
        return self._pairs.quiet()


PANASONIC_UD_716 = Model(
    name="panasonic-ud-716", vendor="Panasonic", title="Panasonic UD-716/UD-7900 TLD reader (it is listened to)",
    transports=("serial", "tcp"),
    quantities=(
        Quantity("element-reading", "1", "elements"), Quantity("dose-equivalent", "Sv", "elements"),
        Quantity("dose", "Gy", "elements"), Quantity("exposure", "mR", "elements"), Quantity("reader-factor", "1"),
    ),
    settings=Ud700Settings, driver=Ud700, answers="UD-716/UD-7900",
    verified=(
        Verified("layout of the lines of five public record files", "widths, record types, pairs, numbers", "document"),
        Verified("the project's own simulator", "runs, pairs, faults of the line"),
    ),
    assumed=(
        "the reader sends the lines that its record files hold, as it reads, ended by CR, LF or CR LF",
        "9600 Bd, 8 data bits, no parity, 1 stop bit, no flow control",
        "names of the columns (inferred from their contents); columns 21-23 and 47-52 of line 2 are not used",
        "of the four groups of an element in line C only the second is used: it repeats line 2",
        "an element is m x 10^(e-3) in the site's base unit; exponents of 5 and more are not believed",
        "the three digits behind the record type are the reader's unit number",
        "the reader's clock has no time zone",
    ),
)  # fmt: skip
