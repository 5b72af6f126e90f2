"""A backend of pyusb with one test and measurement device on the bus: USBTMC 1.00 and its USB488 subclass.

Messages have headers of twelve bytes; a reply is asked for with REQUEST_DEV_DEP_MSG_IN and ends with EOM, a reply that
does not come is a time-out, and an aborted one is told as such. No kernel, no cable.
"""

from __future__ import annotations

import errno
import struct
import time
from array import array
from types import SimpleNamespace
from typing import Any

import usb.backend
import usb.core
from gateway import Instrument

VENDOR, PRODUCT, SERIAL = 0x05E6, 0x6517, "4096271"
OUT, IN, PACKET = 0x02, 0x81, 512
DEV_DEP_MSG_OUT, REQUEST_DEV_DEP_MSG_IN = 1, 2
GET_DESCRIPTOR, GET_CAPABILITIES, SUCCESS, USB488 = 6, 7, 1, 0x04
TEXTS = {1: "KEITHLEY INSTRUMENTS INC.", 2: "MODEL 6517B", 3: SERIAL}
NOTHING: Any = ()


class Bus(usb.backend.IBackend):  # type: ignore[misc]  # pyusb has no types
    """`plugged`: whether the device is there."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.plugged = True
        self._message = b""
        self._asked: tuple[int, int] | None = None  # tag, and how many bytes

    # --- what is there ------------------------------------------------------------------------------------------------

    def enumerate_devices(self) -> Any:
        return iter(["the device"] if self.plugged else [])

    def get_device_descriptor(self, dev: Any) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=VENDOR, idProduct=PRODUCT, bcdDevice=0x100, iManufacturer=1, iProduct=2,
            iSerialNumber=3, bNumConfigurations=1, address=1, bus=1, port_number=1, port_numbers=(1,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: Any, config: int) -> Any:
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0xC0, bMaxPower=0, extra_descriptors=NOTHING,
        )  # fmt: skip

    def get_interface_descriptor(self, dev: Any, intf: int, alt: int, config: int) -> Any:
        if intf or alt or config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2,
            bInterfaceClass=0xFE, bInterfaceSubClass=3, bInterfaceProtocol=1, iInterface=0, extra_descriptors=NOTHING,
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: Any, ep: int, intf: int, alt: int, config: int) -> Any:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(OUT, IN)[ep], bmAttributes=2, wMaxPacketSize=PACKET,
            bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=NOTHING,
        )  # fmt: skip

    # --- opening ------------------------------------------------------------------------------------------------------

    def open_device(self, dev: Any) -> Any:
        return dev

    def close_device(self, dev_handle: Any) -> None:
        self._asked = None

    def set_configuration(self, dev_handle: Any, config_value: int) -> None:
        """There is one."""

    def get_configuration(self, dev_handle: Any) -> int:
        return 1

    def claim_interface(self, dev_handle: Any, intf: int) -> None:
        """Nobody else has it."""

    def release_interface(self, dev_handle: Any, intf: int) -> None:
        """Nobody else has it."""

    def is_kernel_driver_active(self, dev_handle: Any, intf: int) -> bool:
        return False

    # --- transfers ----------------------------------------------------------------------------------------------------

    def ctrl_transfer(
        self, dev_handle: Any, kind: int, request: int, value: int, index: int, data: Any, timeout: int
    ) -> int:
        self._there()
        answer = bytes([SUCCESS]) + bytes(23)
        if request == GET_DESCRIPTOR:
            text = TEXTS[value & 0xFF].encode("utf-16-le") if value & 0xFF else b"\x09\x04"
            answer = bytes([len(text) + 2, 3]) + text
        elif request == GET_CAPABILITIES and kind & 0x60:
            answer = answer[:0xE] + bytes([USB488]) + answer[0xF:]
        return _filled(data, answer)

    def bulk_write(self, dev_handle: Any, ep: int, intf: int, data: Any, timeout: int) -> int:
        self._there()
        message, tag, (size, attributes) = data[0], data[1], struct.unpack_from("<LB", data, 4)
        if message == REQUEST_DEV_DEP_MSG_IN:
            self._asked = tag, size
        elif message == DEV_DEP_MSG_OUT:
            self._message += bytes(data[12 : 12 + size])
            if attributes & 1:
                self.instrument.hear(self._message)
                self._message = b""
        return len(data)

    def bulk_read(self, dev_handle: Any, ep: int, intf: int, buff: Any, timeout: int) -> int:
        self._there()
        said = None if self._asked is None else self.instrument.say(self._asked[1])
        if said is None or self._asked is None:
            time.sleep(min(timeout / 1000, 0.02))
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        (tag, _), self._asked = self._asked, None
        last = not self.instrument.output
        header = struct.pack("<BBBxLBxxx", REQUEST_DEV_DEP_MSG_IN, tag, ~tag & 0xFF, len(said), last)
        return _filled(buff, header + said + bytes(-len(said) % 4))

    def _there(self) -> None:
        if not self.plugged:
            raise usb.core.USBError("No such device (it may have been disconnected)", -4, errno.ENODEV)


def _filled(room: array[int], data: bytes) -> int:
    given = data[: len(room)]
    room[: len(given)] = array("B", given)
    return len(given)
