"""Put a simulated instrument on a TCP port, a pseudo terminal or into a folder, with faults and a back door if
wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulators.clock import SimClock
from simulators.control import ControlDoor
from simulators.faults import parse_fault, parse_faults
from simulators.instrument import Instrument
from simulators.link import Link
from simulators.model import FileInstrument, FileModel, ModelInfo, Options, WireModel
from simulators.places import host_and_port, port_from
from simulators.ports import Port
from simulators.registry import model_named

MOST_CHIPS = 500


class Served:
    """A simulated instrument that can be reached.

    `resource` is what a client opens: `TCPIP::127.0.0.1::PORT::SOCKET`, a device path or `dir:PATH`.
    `instrument` is the
    back door, for instance `instrument.detector.expose(1.5e-8, 9)`; `control` is the address of the line-JSON door.
    """

    def __init__(
        self, model: str, instrument: Instrument | FileInstrument, *, link: Link | None, port: Port | None,
        folder: Path | None, seed: int,
    ) -> None:  # fmt: skip
        self.model = model
        self.instrument = instrument
        self._link = link
        self._port = port
        self._folder = folder
        self._seed = seed
        self._door: ControlDoor | None = None

    @property
    def resource(self) -> str:
        """What a client opens now; a terminal without a link may come back under another path."""
        return self._port.resource if self._port is not None else f"dir:{self._folder}"

    @property
    def control(self) -> str | None:
        """`tcp:HOST:PORT` of the back door, None without one."""
        return self._door.address if self._door is not None else None

    @property
    def faults_happened(self) -> list[str]:
        """Names of the link faults that struck so far, in order."""
        return list(self._link.happened) if self._link is not None else []

    def arm(self, fault: str) -> None:
        """Let a link fault happen from now on; raises ValueError for one that does not exist or for a folder."""
        if self._link is None:
            raise ValueError(f"{self.model} writes files; link faults need an instrument with a wire.")
        self._link.arm(parse_fault(fault, self._seed))

    def disarm(self) -> None:
        """Let no link fault happen any more."""
        if self._link is not None:
            self._link.disarm()

    async def open_door(self, control: str) -> None:
        """Open the line-JSON back door at `tcp:HOST:PORT`."""
        self._door = ControlDoor(self)
        await self._door.open(*host_and_port(control))

    async def close(self) -> None:
        """Stop everything and leave nothing behind; files written stay."""
        if self._door is not None:
            await self._door.close()
        if self._link is not None:
            await self._link.stop()


async def serve(
    model: str,
    listen: str,
    *,
    seed: int = 0,
    speed: float = 1.0,
    faults: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    control: str | None = None,
) -> Served:
    """Serve `model` at `listen`: `tcp:HOST:PORT` (0: any free port), `vxi11:HOST:PORT`, `hislip:HOST:PORT`, `pty`,
    `pty:LINK` or `dir:PATH`.

    `speed` (simulated seconds per second) divides all durations; `faults` are written as `simulators.faults` says;
    `control` opens a line-JSON back door at `tcp:HOST:PORT`. Raises ValueError in one plain sentence for an argument
    that cannot be, OSError when the port cannot be had.
    """
    info = model_named(model)
    info.check_options(options or {})
    clock = SimClock(speed)
    if listen.startswith("dir:"):
        served = _serve_folder(info, listen, clock, seed, faults, options or {})
    else:
        served = await _serve_line(info, listen, clock, seed, faults, options or {})
    if control is not None:
        try:
            await served.open_door(control)
        except (OSError, ValueError):
            await served.close()
            raise
    return served


def _serve_folder(
    info: ModelInfo, listen: str, clock: SimClock, seed: int, faults: Iterable[str], options: Options
) -> Served:
    path = listen.removeprefix("dir:")
    if not isinstance(info, FileModel):
        wrong = f"{info.model} has a wire and writes no files; let it listen at tcp:HOST:PORT or pty."
        raise ValueError(wrong)  # noqa: TRY004 - what is wrong is the listen argument
    if not path:
        raise ValueError("dir: needs a folder after the colon, as in dir:/srv/reader.")
    if list(faults):
        raise ValueError(f"{info.model} writes files; link faults need an instrument with a wire.")
    folder = Path(path)
    instrument = info.make(folder, clock, seed, options)
    folder.mkdir(parents=True, exist_ok=True)
    if (tray := options.get("tray", 0)) != 0:
        instrument.read_tray(_chips(tray))
    return Served(info.model, instrument, link=None, port=None, folder=folder, seed=seed)


def _chips(tray: Any) -> int:
    if not isinstance(tray, int) or not 1 <= tray <= MOST_CHIPS:
        raise ValueError(f"A tray holds 1 to {MOST_CHIPS} chips, not {tray!r}.")
    return tray


async def _serve_line(
    info: ModelInfo, listen: str, clock: SimClock, seed: int, faults: Iterable[str], options: Options
) -> Served:
    port = port_from(listen)
    if not isinstance(info, WireModel):
        wrong = f"{info.model} writes files and has no wire; let it listen at dir:PATH."
        raise ValueError(wrong)  # noqa: TRY004 - what is wrong is the listen argument
    armed = parse_faults(faults, seed)
    instrument = info.make(clock, seed, options)
    link = Link(instrument, port)
    await link.start()
    for fault in armed:
        link.arm(fault)
    return Served(info.model, instrument, link=link, port=port, folder=None, seed=seed)
