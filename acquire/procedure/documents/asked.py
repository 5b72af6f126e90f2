"""What a dose method asks of the documents people write; the methods stand above (acquire.procedure.methods).

A plan names a method, an inventory the kind of detector or element that it measures with, and neither knows
which there are: each method's file says what it asks, and is entered here when the procedure is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator

Way = Literal["charge", "threshold", "elements", "mean", "file"]


@dataclass(frozen=True, slots=True)
class Asks:
    """How points of a method are measured, and what must be written down for that.

    way          "charge": collected between markers; "threshold": read before and after the irradiation; "elements":
                 read by a reader, days later if need be; "mean": of two other points; "file": given by a person
    kind         of the detector or element in the inventory; None where the point has none of its own
    in_session   factors that steps of a kind of their own may measure: step kind, factor
    ambient      whether temperature and pressure are needed
    pre_irradiated  whether a plan may ask for a dose before the readings
    tells_ports  whether its signal tells which port the beam was on, where it lies on the entrance side
    readouts     of a reader: the kinds of record that may be a readout of its elements
    coefficient  of a reader: the name of its own in a calibration; per_signal: whether it is dose per signal, or the
                 signal per dose
    """

    way: Way
    kind: str | None = None
    in_session: Mapping[str, str] = field(default_factory=dict)
    ambient: bool = False
    pre_irradiated: bool = False
    tells_ports: bool = False
    readouts: tuple[str, ...] = ()
    coefficient: str | None = None
    per_signal: bool = False


_KNOWN: dict[str, Asks] = {}


def enter(name: str, asks: Asks) -> None:
    """What a method of this name asks, from now on."""
    _KNOWN[name] = asks


def asks_of(name: str) -> Asks:
    """Raises KeyError for a name that no method has; documents that were read have none of those."""
    return _KNOWN[name]


def methods_that(asks: Callable[[Asks], bool]) -> list[str]:
    """The names of the methods of which this is true."""
    return sorted(name for name, of in _KNOWN.items() if asks(of))


def readouts_of(kind: str | None = None) -> tuple[str, ...]:
    """The kinds of record that may be a readout of this kind of element, or of any."""
    found = (each for of in _KNOWN.values() if kind in (None, of.kind) for each in of.readouts)
    return tuple(dict.fromkeys(found))


def element_kinds() -> list[str]:
    """The kinds of element that some method reads."""
    return kinds_that(lambda asks: asks.way == "elements")


def element_asks(kind: str) -> Asks:
    """What the method asks that reads elements of a kind. Raises LookupError where none does."""
    found = [of for of in _KNOWN.values() if of.way == "elements" and of.kind == kind]
    if not found:
        raise LookupError(f"No method reads elements of the kind '{kind}'.")
    return found[0]


def kinds_that(asks: Callable[[Asks], bool]) -> list[str]:
    """The kinds of detector or element of the methods of which this is true."""
    return sorted({of.kind for of in _KNOWN.values() if of.kind is not None and asks(of)})


def _method(name: str) -> str:
    if name not in _KNOWN:
        raise ValueError(f"'{name}' is no method; the methods are {', '.join(sorted(_KNOWN))}")
    return name


def _detector_kind(kind: str) -> str:
    return _one_of(kind, "detector", kinds_that(lambda asks: asks.way != "elements"))


def _element_kind(kind: str) -> str:
    return _one_of(kind, "element", element_kinds())


def _one_of(kind: str, what: str, known: list[str]) -> str:
    if kind not in known:
        raise ValueError(f"'{kind}' is no kind of {what}; the kinds are {', '.join(known)}")
    return kind


MethodName = Annotated[str, AfterValidator(_method)]
DetectorKind = Annotated[str, AfterValidator(_detector_kind)]
ElementKind = Annotated[str, AfterValidator(_element_kind)]
