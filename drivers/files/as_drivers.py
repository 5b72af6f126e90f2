"""For the daemon until it takes models: the drop folders of this house as drivers of the first seam. To be removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from drivers.driver import Driver, DriverInfo, Identity
from drivers.files.folder import FolderInstrument, folder_model
from drivers.files.settings import FolderSettings
from drivers.files.winrems import WINREMS
from drivers.files.xsyg import XSYG
from drivers.model import Model
from drivers.reading import Reading


class FolderDriver(Driver):
    """A FolderInstrument behind the first seam's methods."""

    model: ClassVar[Model]

    def __init__(self, resource: str, settings: FolderSettings, trace: object = None, transport: object = None) -> None:
        self._instrument = FolderInstrument(self.model, resource, settings)
        self.poll_interval_s = settings.poll_interval_s

    async def open(self) -> Identity:
        """As FolderInstrument.open."""
        return await self._instrument.open()

    async def poll(self) -> Sequence[Reading]:
        """As FolderInstrument.take."""
        return await self._instrument.take()

    async def confirm(self) -> None:
        """As FolderInstrument.confirm."""
        await self._instrument.confirm()

    async def recover(self) -> Identity:
        """As FolderInstrument.recover."""
        return await self._instrument.recover()

    async def close(self) -> None:
        """As FolderInstrument.close."""
        await self._instrument.close()


def _info(model: Model) -> DriverInfo:
    quantities = tuple(each.name for each in model.quantities)
    return DriverInfo(
        model.name, model.vendor, model.title, model.transports, quantities, model.verified, model.assumed
    )


class WinRems(FolderDriver):
    """Watches the folder into which WinREMS exports."""

    model = folder_model(WINREMS)
    info = _info(model)
    settings_model = model.settings


class Xsyg(FolderDriver):
    """Watches the folder into which LexStudio writes."""

    model = folder_model(XSYG)
    info = _info(model)
    settings_model = model.settings
