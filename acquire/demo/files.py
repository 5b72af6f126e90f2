"""The example files of worked case A: where they are, and copies of them with today's date."""

from __future__ import annotations

import sysconfig
from datetime import UTC, datetime
from pathlib import Path

from acquire.demo import scene
from acquire.errors import Refused
from acquire.procedure.documents.dates import shifted

CLINICAL = ("order-A-1.json", "plan-A-v2.toml", "inventory.toml", "calibrations.toml")
READERS = ("reader-1", "reader-2")
BY_HAND_PORT = 18831
BY_HAND_DOORS = {"sim-6517b": "tcp:127.0.0.1:18841", "sim-tango": "tcp:127.0.0.1:18842"}


def example_files() -> Path:
    """The folder of example files: in a checkout, or where the installation put it. Raises Refused."""
    for folder in (
        Path(__file__).parents[2] / "config" / "demo",
        Path(sysconfig.get_path("data")) / "share" / "dosimetry-acquire" / "demo",
    ):
        if folder.is_dir():
            return folder
    raise Refused("The example files of the demonstration are not installed.")


def prepare(folder: Path, broker: str = "auto") -> Path:
    """Copy the service's configuration into the run's folder and make the readers' folders; returns its path.

    Raises Refused where the folder is there already or the example files are not installed.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise Refused(f"{folder} is there already; name a new folder.") from error
    for reader in READERS:
        (folder / reader).mkdir()
    text = (example_files() / "service.toml").read_text()
    text = text.replace("dir:reader", f"dir:{folder.resolve()}/reader").replace('mode = "auto"', f'mode = "{broker}"')
    path = folder / "service.toml"
    path.write_text(text)
    return path


def example(name: str) -> tuple[str, bytes]:
    """An example file with its dates moved so that its session is today. Raises Refused where it is not installed."""
    today = datetime.now(UTC).date()
    return name, shifted((example_files() / name).read_bytes(), scene.DAY_OF_FILES, today)


def write_files(folder: Path) -> list[Path]:
    """Order, plan, inventory, calibrations and a service configuration, dated today, to go through the case by hand.

    The service's broker has a fixed port there, and its simulators a back door through which they are given a beam.
    Raises Refused as `prepare` does.
    """
    service = prepare(folder)
    text = service.read_text().replace("port = 0 ", f"port = {BY_HAND_PORT} ")
    for simulator, door in BY_HAND_DOORS.items():
        text = text.replace(f'id = "{simulator}"\n', f'id = "{simulator}"\ncontrol = "{door}"\n')
    service.write_text(text)
    written = [service]
    for name in CLINICAL:
        path = folder / name
        path.write_bytes(example(name)[1])
        written.append(path)
    return written
