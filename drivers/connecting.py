"""From a model to an instrument on its port: the one place that knows which engine serves which kind of driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.driver import Driver, Listener, WireSettings
from drivers.engine import WiredInstrument
from drivers.errors import Misuse
from drivers.files.folder import FolderInstrument
from drivers.files.format import Format
from drivers.files.settings import FolderSettings
from drivers.instrument import Instrument
from drivers.listening import ListeningInstrument
from drivers.model import Model
from drivers.settings import Settings
from drivers.trace import Trace
from drivers.transport.base import Transport
from drivers.transport.resource import open_transport


def connect(
    model: Model,
    resource: str,
    settings: Settings | Mapping[str, Any],
    *,
    transport: Transport | None = None,
    trace: Trace | None = None,
) -> Instrument:
    """An instrument of a model at a resource; nothing is opened yet.

    settings: the model's own, or a mapping for them. transport: instead of the one the resource names.
    Raises Misuse for a resource or a driver that cannot be, pydantic.ValidationError for settings that are wrong.
    """
    own = settings if isinstance(settings, Settings) else model.settings.model_validate(dict(settings))
    kind = model.driver
    if isinstance(kind, Format) and isinstance(own, FolderSettings):
        return FolderInstrument(model, resource, own)
    if isinstance(kind, type) and issubclass(kind, Driver | Listener) and isinstance(own, WireSettings):
        wire = transport or open_transport(resource, own.serial)
        engine = WiredInstrument if issubclass(kind, Driver) else ListeningInstrument
        return engine(model, resource, own, wire, trace)
    raise Misuse(f"The model {model.name} names no driver that is known here: a Driver, a Listener or a file format.")
