"""What the clinic owns: instruments, detectors, and dosimeter elements with the name each reader knows them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator, model_validator

from acquire import tomlfile
from acquire.bus.names import Name
from acquire.errors import Refused
from acquire.procedure.documents.asked import DetectorKind, ElementKind
from acquire.procedure.documents.causes import Cause, Stop
from acquire.tomlfile import Written
from drivers.plain_words import form

_ID = form(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "1 to 64 letters, digits, '.', '_' or '-', the first no sign")
Id = Annotated[str, StringConstraints(pattern=_ID)]


A_DAY_MIN = 1440  # what belongs to a state holds for no longer, whatever a file says


class OwnedInstrument(Written):
    """An instrument that the clinic owns; `model` names an installed model, which knows how it is measured with.

    integrates, zero, before, start, stop  as the model has them, which need not be written: they may only narrow it
                (acquire.procedure.session.framing). Inventories of earlier releases have them typed in full.
    full_scale_nc  full scale of the charge range that is used; the expected charge is held against it before the beam
    range       the range that must be set, as the instrument states it ("LOW", 2e-8); held against its state
    warm_up_min how long it must have been on before its zero, its leakage and its beams, in minutes; None: not asked
    machine     the treatment machine beside which it stands, where it is not carried about; a plan of another machine
                measures nothing with it
    clock_zone  of a reader: the time zone that its clock shows ("Europe/Berlin"); fading is counted on that clock
    """

    id: Name
    model: str
    serial: str
    integrates: Literal["running", "reset", "elements"] | None = None
    full_scale_nc: float | None = Field(None, gt=0)
    range: str | float | None = None
    warm_up_min: float | None = Field(None, gt=0)
    machine: str | None = Field(None, min_length=1)
    clock_zone: str | None = None
    zero: tuple[str, ...] | None = None
    before: tuple[str, ...] | None = None
    start: tuple[str, ...] | None = None
    stop: tuple[str, ...] | None = None

    @field_validator("clock_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (ValueError, OSError, ZoneInfoNotFoundError) as error:  # of a name that no file can have
            raise ValueError(f"'{str(name)[:40]}' is no time zone known here; write it as Europe/Berlin") from error


class Detector(Written):
    """A diode, chamber, MOSFET or microdosimeter. Coefficients follow the serial number, not the channel.

    channel: the input it is connected to, on an instrument with several; the plan's point may name another one.
    threshold_mv: where a MOSFET's threshold voltage stood when the file was written; its life is held against it.
    accumulated_gy: what it has received in all, in Gy, until the day accumulated_on; what was measured here from then
    on (measured_here_gy, written by the program into what a session keeps) comes on top.
    """

    id: Id
    kind: DetectorKind
    model: str
    serial: str
    build_up: str
    accumulated_gy: float | None = Field(None, ge=0)
    accumulated_on: date | None = None
    measured_here_gy: float | None = Field(None, ge=0)
    channel: str | None = None
    threshold_mv: float | None = Field(None, ge=0)


class Element(Written):
    """A TLD chip or OSL dot. `read_as` is the text the reader gives for it, `element_index` its place on a card."""

    id: Id
    kind: ElementKind
    material: str
    reader: Name
    read_as: str
    element_index: int | None = Field(None, ge=1, le=4)


class Inventory(Written):
    """One inventory file.

    mending: how long the site takes to mend what stops a measurement, in its own words ("half a day"), by its cause.
    altitude_m: of the site, in m above sea level; a chamber's station pressure is held against it. It has no default.
    zero_valid_min, leakage_valid_min: for how many minutes a zero and a leakage hold here, if nothing ends them before;
    asked for where a plan makes them, without a default.
    """

    schema_: Literal["inventory/1"] = Field(alias="schema")
    mending: Mapping[Cause, Annotated[str, StringConstraints(min_length=1)]] = {}
    altitude_m: float | None = Field(None, ge=-430, le=4500)
    zero_valid_min: float | None = Field(None, gt=0, le=A_DAY_MIN)
    leakage_valid_min: float | None = Field(None, gt=0, le=A_DAY_MIN)
    instrument: tuple[OwnedInstrument, ...]
    detector: tuple[Detector, ...] = ()
    element: tuple[Element, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Inventory:
        ids = [x.id for group in (self.instrument, self.detector, self.element) for x in group]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands more than once")
        places = [(e.reader, e.read_as, e.element_index) for e in self.element]
        if len(set(places)) < len(places):
            raise ValueError("two elements have the same reader, read_as and element_index")
        return self

    def is_reader(self, instrument: str) -> bool:
        """Whether an instrument reads elements of this inventory."""
        return any(e.reader == instrument for e in self.element)

    def instrument_named(self, name: str) -> OwnedInstrument:
        """Raises Refused when there is none."""
        return _named(self.instrument, name, "instrument")

    def detector_named(self, name: str) -> Detector:
        """Raises Refused when there is none."""
        return _named(self.detector, name, "detector")

    def element_named(self, name: str) -> Element:
        """Raises Refused when there is none."""
        return _named(self.element, name, "element")


T = TypeVar("T", OwnedInstrument, Detector, Element)


def _named(items: Iterable[T], name: str, kind: str) -> T:
    for item in items:
        if item.id == name:
            return item
    raise Refused(Stop("inventory", f"The inventory has no {kind} '{name}'."))


@lru_cache(maxsize=32)  # the same bytes are read at every step of a session, and they are frozen
def read_inventory(body: bytes, name: str) -> Inventory:
    """Parse an inventory file. Raises FileProblem."""
    return tomlfile.read(body, name, Inventory)
