"""VISA resources through pyvisa and pyvisa-py, one thread a resource.

Raw bytes are read. A plain TCP port (SOCKET) and a serial line (ASRL) need no VISA and have none:
drivers/transport/resource.py. GPIB and USB need the operating system's own libraries under pyvisa-py.

An instrument on a message based interface (GPIB, USBTMC, VXI-11, HiSLIP) is addressed to talk only when it has
something to say: asked without need, a Keithley puts -420, Query UNTERMINATED, into its error queue (2400 user's
manual, appendix B; 2470 reference manual, section 15). So the status byte is looked at first (IEEE 488.2, message
available).
"""

from __future__ import annotations

import re
import select
import socket
import traceback
import warnings
from contextlib import suppress
from typing import Any

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from pyvisa.rname import ResourceName
from pyvisa_py.protocols import hislip

from drivers.transport import visa_manager
from drivers.transport.plain import HELD, plain
from drivers.transport.question import asks
from drivers.transport.threaded import PORT_ERRORS, ThreadedTransport

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0001, 0.02  # between two looks for a message: each is twice as long as the last
OPEN_MS = 5000
MESSAGE_MS = 2000  # for a message that is there; the backend drops what it has of it when this is too short
MESSAGE_AVAILABLE = 0x10  # of the status byte


class VisaTransport(ThreadedTransport):
    """A VISA resource string, such as TCPIP::192.0.2.7::INSTR or GPIB0::27::INSTR."""

    # EOFError: the end of a VXI-11 connection. RuntimeError and
    # AssertionError: the end of a HiSLIP connection, or something else than the answer on one.
    errors = (*PORT_ERRORS, pyvisa.errors.Error, EOFError, RuntimeError, AssertionError)

    def __init__(self, resource: str) -> None:
        super().__init__(resource)
        self._resource = resource
        self._manager: pyvisa.ResourceManager | None = None
        self._session: Any = None
        self._is_hislip = False
        self._tells_status = True
        self._asked = False

    def blocking_open(self) -> None:
        """Open with the pure Python backend. Raises OSError and what pyvisa raises, all in `errors`."""
        self._look_up_name()
        self._manager = visa_manager.take()
        self._session = self._opened(self._manager)
        self._session.timeout = MESSAGE_MS
        self._is_hislip = isinstance(self._interface(), hislip.Instrument)
        self._tells_status, self._asked, self.pause_s = True, False, 0.0

    def _look_up_name(self) -> None:
        """The backend leaves a socket behind when there is no such name. Raises socket.gaierror."""
        host = getattr(ResourceName.from_string(self._resource), "host_address", None)
        if host is not None:
            name = host.partition(",")[0]  # VXI-11: the port may follow the host
            socket.getaddrinfo(name, None)  # noqa: TID251 - on the port's own thread, which nobody waits for

    def _opened(self, manager: pyvisa.ResourceManager) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the backend warns of optional libraries that this resource does not need
            try:
                return manager.open_resource(self._resource, open_timeout=OPEN_MS)
            except Exception as error:  # the backend raises Exception itself
                _close_what_is_left(error)
                raise ConnectionError(_refusal(error)) from error

    def blocking_write(self, data: bytes) -> None:
        """Write all of data."""
        self._asked, self.pause_s = asks(data), 0.0
        self._session.write_raw(data)

    def blocking_read(self) -> bytes:
        """A message that is there, or a part of it.

        The backend drops what it has when a read times out, so it reads only what is there. Raises
        ConnectionResetError where the other end has hung up.
        """
        self._notice_end()
        if self._has_message():
            self.pause_s = 0.0
            return self._read(4096)
        self.pause_s = min(max(2 * self.pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        return b""

    def _read(self, count: int) -> bytes:
        library, handle = self._session.visalib, self._session.session
        try:
            with library.ignore_warning(handle, StatusCode.success_max_count_read):
                data, status = library.read(handle, count)
        except VisaIOError as error:
            if error.error_code != StatusCode.error_timeout:
                raise
            if self._is_hislip:  # the backend has dropped a part of a message, and takes what follows for a header
                raise ConnectionResetError("a message stopped in its middle") from error
            return b""
        more = status == StatusCode.success_max_count_read or (not self._tells_status and len(data) == count)
        if not more:  # over USB the backend calls whatever it has read a whole message
            self._asked, self.pause_s = False, LONGEST_PAUSE_S  # whole: another comes for a question
        return bytes(data)

    def _has_message(self) -> bool:
        """Whether the instrument has something to say. Over HiSLIP it sends what it has without being asked (IVI-6.1).

        pyvisa-py cannot read the status byte over USB: there a read follows only what was a question (assumed, not yet
        run on a real instrument).
        """
        if self._is_hislip:
            wait_s = LONGEST_PAUSE_S if self._asked else 0.0
            return bool(select.select([self._interface()._sync], [], [], wait_s)[0])
        if not self._tells_status:
            return self._asked
        try:
            return bool(self._session.read_stb() & MESSAGE_AVAILABLE)
        except VisaIOError as error:
            if error.error_code != StatusCode.error_nonsupported_operation:
                raise
            self._tells_status = False
            return self._asked

    def _notice_end(self) -> None:
        """Look for the end of a TCP stream. Raises ConnectionResetError.

        The backend takes it for silence, and on VXI-11 spins through its time-outs, in closing as well: so the socket
        is closed under it.
        """
        for line in _sockets(self._interface()):
            if select.select([line], [], [], 0)[0] and line.recv(1, socket.MSG_PEEK) == b"":
                line.close()
                raise ConnectionResetError("the other end closed the connection")

    def _interface(self) -> Any:
        """The backend's own connection."""
        return self._session.visalib.sessions[self._session.session].interface

    def blocking_close(self) -> None:
        """Close the session, and the manager with its last user."""
        session, manager, self._manager = self._session, self._manager, None
        try:
            if session is not None:
                with suppress(*self.errors, KeyError):  # KeyError: closed already, by another thread
                    self._notice_end()
                session.close()
        finally:
            self._session = None
            if manager is not None:
                visa_manager.give_back(manager)


def _sockets(interface: object) -> list[socket.socket]:
    """The open connections of VXI-11 (one) or HiSLIP (two); none of anything else."""
    found = (getattr(interface, name, None) for name in ("sock", "_sync", "_async"))
    return [each for each in found if isinstance(each, socket.socket) and each.fileno() >= 0]


def _close_what_is_left(error: BaseException | None) -> None:
    """The backend forgets its sockets when a device refuses: they are still held by the frames of the error."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            held = frame.f_locals.get("self")
            for line in (*_sockets(held), *_sockets(getattr(held, "interface", None))):
                line.close()
        error = error.__cause__ or error.__context__


def _refusal(error: Exception) -> str:
    """Why a device cannot be had, in words.

    The backend gives a number of VXI-11 (table B.2), and keeps to itself what a HiSLIP device said.
    """
    link = re.search(r"error creating link: (\d+)", str(error))
    if link:
        return {"3": "there is no device of that name", "9": HELD, "11": HELD}.get(link[1], str(error))
    if isinstance(error, VisaIOError) and error.error_code == StatusCode.error_resource_not_found:
        return "no device answers there, or it refuses because another client holds it"
    return plain(error)
