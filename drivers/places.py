"""Where on this machine a resource is, for whoever looks at a port from outside: nothing is opened and nothing sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers.errors import LinkDown
from drivers.strict_numbers import whole
from drivers.transport.resource import TCP, VISA_LINE, VISA_SOCKET, VISA_USB
from drivers.transport.usb_serial import PREFIX, UsbIdentity, device_of

SYSFS = Path("/sys/bus/usb/devices")
NODES = Path("/dev/bus/usb")


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """device: the file that would be opened. remote: (host, port) that would be connected to. Neither: it is reached
    in another way (GPIB, VXI-11, an adapter). trouble: why there is no device, in a sentence.
    """

    device: Path | None = None
    remote: tuple[str, int] | None = None
    trouble: str | None = None


def local_place(resource: str, sysfs: Path = SYSFS, nodes: Path = NODES) -> LocalPlace:
    """Of any resource that `open_transport` takes. sysfs, nodes: where Linux lists USB devices. Raises Misuse."""
    resource = resource.removeprefix("pyserial:").removeprefix("pyvisa:")
    if resource.startswith("prologix:"):
        return local_place(resource.removeprefix("prologix:").rpartition(":")[0], sysfs, nodes)
    if resource.startswith(PREFIX):
        try:
            return LocalPlace(Path(device_of(UsbIdentity.of(resource))))
        except LinkDown as error:
            return LocalPlace(trouble=str(error))
    if found := VISA_LINE.match(resource):
        resource = found[1]
    if found := VISA_SOCKET.match(resource) or TCP.match(resource):
        return LocalPlace(remote=(found[1].strip("[]"), whole(found[2])))
    if found := VISA_USB.match(resource):
        return _usb_instrument(int(found[1], 0), int(found[2], 0), found[3], sysfs, nodes)
    device = resource.removeprefix("serial:")
    return LocalPlace(Path(device)) if device.startswith("/") else LocalPlace()


def _usb_instrument(vendor: int, product: int, serial: str, sysfs: Path, nodes: Path) -> LocalPlace:
    """By idVendor, idProduct and serial of Linux (Documentation/ABI/stable/sysfs-bus-usb)."""
    there = []
    for folder in sorted(sysfs.glob("*")):
        said = _said(folder, "idVendor"), _said(folder, "idProduct"), _said(folder, "serial")
        if said[:2] == (f"{vendor:04x}", f"{product:04x}"):
            if said[2] == serial:
                bus, device = int(_said(folder, "busnum")), int(_said(folder, "devnum"))
                return LocalPlace(nodes / f"{bus:03}" / f"{device:03}")
            there.append(said[2] or "without a serial number")
    instead = f"there is {', '.join(there)}" if there else "there is none of its kind"
    named = f"{vendor:04x}:{product:04x} with serial number {serial}"
    return LocalPlace(trouble=f"The USB instrument {named} is not plugged in; {instead}.")


def _said(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text().strip()
    except OSError:
        return ""
