"""Whether the instruments of a configuration can be what it says: their ids, models, settings, and where they are.

Nothing is opened. Each error names the instrument and its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol

from pydantic import ValidationError

from acquire.bus.names import RESERVED
from acquire.tomlfile import Where, message
from drivers import Misuse, Model
from drivers.registry import model as model_named

SIMULATOR, FOLDER = "simulator:", "dir:"
_SERIAL = ("/", "COM", "serial:", "usb:", "ASRL", "pyserial:", "rfc2217:", "hwgrep:", "loop:", "spy:")
_VISA = ("TCPIP", "GPIB", "USB", "PXI", "VXI", "pyvisa:")
_KINDS = ("serial", "tcp", "visa", "prologix")
_CALLED = {"serial": "a serial line", "tcp": "TCP", "visa": "VISA", "prologix": "a Prologix adapter"}


class Configured(Protocol):
    """What is looked at of an [[instrument]]."""

    @property
    def id(self) -> str:
        """Its name on the bus."""

    @property
    def model(self) -> str:
        """Its model's name."""

    @property
    def resource(self) -> str:
        """Where it is."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of its driver."""


def check_instruments(instruments: Sequence[Configured], simulators: Mapping[str, str]) -> Iterator[tuple[Where, str]]:
    """What is wrong with each: (path of the key, sentence). simulators: the model of each by its id."""
    seen: set[str] = set()
    taken: dict[str, str] = {}
    for n, each in enumerate(instruments):
        if each.id in seen:
            yield ("instrument", n, "id"), f"there are two instruments called '{each.id}'"
        seen.add(each.id)
        if each.id in RESERVED:
            yield ("instrument", n, "id"), f"'{each.id}' is a word of the topics; choose another name"
        if (other := taken.setdefault(each.resource, each.id)) != each.id and not each.resource.startswith(FOLDER):
            yield ("instrument", n, "resource"), f"'{other}' is at {each.resource}; one port has one instrument"
        for what in _simulated(each, simulators):
            yield ("instrument", n, "resource"), what
        for where, what in _driven(each):
            yield ("instrument", n, *where), what


def _simulated(each: Configured, simulators: Mapping[str, str]) -> Iterator[str]:
    if not each.resource.startswith(SIMULATOR):
        return
    named = each.resource.removeprefix(SIMULATOR)
    if named not in simulators:
        yield f"there is no [[simulator]] '{named}'; there are: {', '.join(simulators) or 'none'}"
        return
    theirs = simulators[named]
    if theirs != each.model and each.model in entry_points(group="acquire.simulators").names:
        yield f"'{each.id}' is a {each.model} and the simulator '{named}' a {theirs}; give it one of its own model"


def _driven(each: Configured) -> Iterator[tuple[Where, str]]:
    from drivers.files.format import Format  # noqa: PLC0415 - not for a part of a configuration without instruments

    try:
        model = model_named(each.model)
        model.settings.model_validate(dict(each.settings))
    except Misuse as error:
        yield ("model",), str(error).rstrip(".")
        return
    except ValidationError as error:
        for e in error.errors(include_url=False):
            yield ("settings", *e["loc"]), message(e, model.settings)
    if not each.resource.startswith(SIMULATOR) and isinstance(model.driver, Format) != each.resource.startswith(FOLDER):
        has = "files, from a folder dir:PATH" if isinstance(model.driver, Format) else "a wire, and no folder"
        yield ("resource",), f"'{each.id}' is a {each.model}, which is read by {has}; it cannot be at {each.resource}"


def cannot_be_there(each: Configured) -> str | None:
    """Why no such instrument can be at its resource, in a sentence; None where one can, as far as is known.

    Without opening it, but with the transport's libraries: this is for `acquire check` and `acquire run`.
    """
    if each.resource.startswith(SIMULATOR):
        return None
    from drivers import connect  # noqa: PLC0415

    model = model_named(each.model)
    try:
        connect(model, each.resource, each.settings)
    except Misuse as error:
        return f"'{each.id}': {error}"
    return None


def unlikely_there(each: Configured) -> str | None:
    """What a model is not known to have and its resource is, in a sentence; None where it is known, or says nothing."""
    model, kind = model_named(each.model), _kind_of(each.resource)
    has = _has(model)
    if kind is None or not has or kind in has:
        return None
    return (
        f"'{each.id}' is a {each.model}, which is reached by {' or '.join(model.transports)}; {each.resource} is"
        f" {_CALLED[kind]}."
    )


def _has(model: Model) -> list[str]:
    """The kinds among its transports, which are written for people: "VISA (USBTMC)". "VISA SOCKET" is plain TCP."""
    said = [each.lower() for each in model.transports]
    return [kind for kind in _KINDS if any(each.startswith(kind) for each in said if each != "visa socket")]


def _kind_of(resource: str) -> str | None:
    if resource.startswith("prologix:"):
        return "prologix"
    if resource.startswith(("tcp:", "socket:")) or resource.upper().endswith("::SOCKET"):
        return "tcp"
    if resource.startswith(_SERIAL):
        return "serial"
    return "visa" if resource.startswith(_VISA) else None
