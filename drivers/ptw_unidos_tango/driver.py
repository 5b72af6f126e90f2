"""Driver of the PTW UNIDOS Tango and Romeo: the integral and the rate of one MV reply a poll."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from drivers.driver import Driver, DriverInfo, Identity, NoParameters, Settings, Verified, command
from drivers.errors import Garbled, InstrumentError, Refused, ReplyTimeout, WrongInstrument
from drivers.link import Link
from drivers.ptw_unidos_tango import protocol
from drivers.ptw_unidos_tango.protocol import Measured
from drivers.reading import Also, Flag, Reading
from drivers.trace import Trace
from drivers.transport.base import Transport
from drivers.transport.resource import open_transport
from drivers.transport.serial import SerialSettings

IDENTIFY_TRIES = 3
PROGRESS_POLL_S = 0.25  # the maximum poll rate is not published: a few a second
TOKEN_TRIES = 10
LONG_S = 200.0  # zero and self test: one and a half times what the instrument states, and its replies


class TangoSettings(Settings):
    """electrical: charge and current instead of dose. The detector's voltage stays as it is unless hv_v is given."""

    electrical: bool = True
    range: Literal["VERY_LOW", "LOW", "MEDIUM", "HIGH"] | None = None
    hv_v: int | None = Field(None, ge=-400, le=400)
    expected_serial: str | None = None
    poll_interval_s: float = Field(0.25, gt=0, le=60)
    timeout_s: float = Field(20.0, gt=0, le=120)


class RangeParameters(Settings):
    """One of the four ranges."""

    range: Literal["VERY_LOW", "LOW", "MEDIUM", "HIGH"]


class IntervalParameters(Settings):
    """Interval time in seconds."""

    seconds: int = Field(ge=1, le=3599999)


class PtwUnidosTango(Driver):
    """PTW UNIDOS Tango (TM10052)."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="ptw-unidos-tango",
        vendor="PTW",
        title="PTW UNIDOS Tango reference dosemeter",
        transports=("tcp", "VISA SOCKET"),
        quantities=("charge", "dose"),
        verified=(
            Verified("byte examples of an open driver tried on a real Tango", "replies, flags, errors"),
            Verified("the project's own simulator", "token, zero, start, hold, streaming, faults"),
        ),
        assumed=(
            "poll rate of a few a second is harmless (the maximum is not published)",
            "status words of zero and self test other than 'Passed'",
            "the state is ZERO while zeroing and RES afterwards",
            "not yet run on a real instrument by this project",
        ),
    )
    settings_model = TangoSettings
    name_pattern: ClassVar[str] = r"^UNIDOS Tango$"

    def __init__(
        self, resource: str, settings: TangoSettings, trace: Trace | None = None, transport: Transport | None = None
    ) -> None:
        self.settings = settings
        self.poll_interval_s = settings.poll_interval_s
        opened = transport or open_transport(resource, SerialSettings())
        self._link = Link(opened, name=resource, reply_terminators=(protocol.END,), trace=trace)
        self._identity: Identity | None = None
        self._has_token = False

    async def open(self) -> Identity:
        """Identify, take write permission, set up."""
        await self._link.open()
        with self._link.recovering():
            self._identity = await self._identify()
        await self._take_token()
        await self._ask("UEL", self.settings.electrical)
        if self.settings.range is not None:
            await self._ask("RGE", self.settings.range)
        if self.settings.hv_v is not None:
            await self._ask("HV", self.settings.hv_v)
        return self._identity

    async def recover(self) -> Identity:
        """Drain and identify again. Raises WrongInstrument when another unit answers now."""
        with self._link.recovering():
            now = await self._identify()
        if self._identity is not None and now.serial != self._identity.serial:
            raise WrongInstrument(f"Serial number {now.serial} answers where {self._identity.serial} was.")
        return now

    async def close(self) -> None:
        """Give the write permission back and disconnect."""
        if self._has_token and not self._link.dirty:
            with suppress(InstrumentError):
                await self._link.exchange(protocol.request("TOK", 0), timeout_s=1.0)
        self._has_token = False
        await self._link.close()

    async def poll(self) -> Sequence[Reading]:
        """One MV reply as a reading; what cannot be parsed keeps its bytes."""
        raw = await self._link.exchange(protocol.request("MV"), timeout_s=self.settings.timeout_s)
        try:
            return [self._reading(raw, protocol.parse_measured(raw))]
        except Garbled as error:
            return [self._unparsed(raw, str(error))]

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero correction; takes about 82 s", within_s=LONG_S)
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """NUL, then NUS until nothing remains."""
        return await self._wait_for("NUL", "NUS")

    @command("self-test", "Self test; takes about 89 s", within_s=LONG_S)
    async def self_test(self, p: NoParameters) -> Mapping[str, Any]:
        """AST, then ASS until nothing remains."""
        return await self._wait_for("AST", "ASS")

    @command("start", "Start to integrate", while_measuring=True)
    async def start(self, p: NoParameters) -> Mapping[str, Any]:
        """STA."""
        await self._ask("STA")
        return {}

    @command("hold", "Hold the integral", while_measuring=True)
    async def hold(self, p: NoParameters) -> Mapping[str, Any]:
        """HLD."""
        await self._ask("HLD")
        return {}

    @command("reset", "Set the integral back to zero")
    async def reset(self, p: NoParameters) -> Mapping[str, Any]:
        """RES."""
        await self._ask("RES")
        return {}

    @command("range", "Set the range", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """RGE."""
        await self._ask("RGE", p.range)
        return {"range": p.range}

    @command("interval", "Integrate for a set time", IntervalParameters, while_measuring=True)
    async def interval(self, p: IntervalParameters) -> Mapping[str, Any]:
        """IT, then INT."""
        await self._ask("IT", p.seconds)
        await self._ask("INT")
        return {"seconds": p.seconds}

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, word: str, *parameters: object) -> list[str]:
        raw = await self._link.exchange(protocol.request(word, *parameters), timeout_s=self.settings.timeout_s)
        return protocol.fields(word, raw)

    async def _identify(self) -> Identity:
        """PTW and SER on a drained line; a late reply in their place is thrown away and the question asked again."""
        for attempt in range(IDENTIFY_TRIES):
            await self._link.drain()
            try:
                raw = await self._link.exchange(protocol.request("PTW"), timeout_s=self.settings.timeout_s)
                who, serial = protocol.fields("PTW", raw), (await self._ask("SER"))[0]
                return self._check(who, serial, raw)
            except (Garbled, ReplyTimeout, Refused, IndexError) as error:
                if attempt < IDENTIFY_TRIES - 1:
                    continue
                if isinstance(error, ReplyTimeout):
                    raise
                text = f"A UNIDOS was expected on {self._link.name}; something else answers: {error}"
                raise WrongInstrument(text) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check(self, who: list[str], serial: str, raw: bytes) -> Identity:
        name, type_number, firmware, *_ = [*who, "", "", ""]
        if not re.match(self.name_pattern, name):
            raise WrongInstrument(f"A {self.info.title} is configured on {self._link.name}; a {name} answers.")
        wanted = self.settings.expected_serial
        if wanted is not None and serial != wanted:
            raise WrongInstrument(f"Serial number {wanted} is configured on {self._link.name}; {serial} answers.")
        return Identity("PTW", f"{name} {type_number}", serial, firmware, raw)

    async def _take_token(self) -> None:
        """Write permission: asked for, then asked whether it is ours (the reply to TOK does not say)."""
        await self._ask("TOK")
        for _ in range(TOKEN_TRIES):
            if (await self._ask("TOK", 1))[-1] == "true":
                self._has_token = True
                return
            await asyncio.sleep(PROGRESS_POLL_S)
        raise Refused(f"{self._link.name} gives no write permission: close the lock on its screen (viewer mode).")

    async def _wait_for(self, word: str, progress: str) -> Mapping[str, Any]:
        await self._ask(word)
        waited, limit = 0.0, float("inf")
        while waited < limit:
            raw = await self._link.exchange(protocol.request(progress), timeout_s=self.settings.timeout_s)
            status, remaining_s, total_s = protocol.parse_progress(progress, raw)
            if remaining_s <= 0:
                if status != "Passed":
                    raise Refused(f"The UNIDOS ended {word} with '{status}'.", raw)
                return {"status": status, "total_s": total_s}
            limit = 1.5 * total_s + 10
            await asyncio.sleep(PROGRESS_POLL_S)
            waited += PROGRESS_POLL_S
        raise Refused(f"The UNIDOS has not finished {word} after {limit:.0f} s.")

    def _reading(self, raw: bytes, m: Measured) -> Reading:
        charge = m.unit == "C"
        hand = charge != self.settings.electrical
        return Reading(
            kind="scalar", quantity="charge" if charge else "dose", unit=m.unit, value=m.integral,
            flags=(*m.flags, Flag.CHANGED_BY_HAND) if hand else m.flags, raw=raw, time=_now(),
            monotonic_s=time.monotonic(), elapsed_s=m.time_s, mode=m.state, range=self.settings.range,
            also={
                "rate": Also(value=m.rate, unit=m.rate_unit),
                "detector-voltage": Also(value=m.voltage_v, unit="V"),
            },
            note=f"flags 0x{m.bits:x}" if m.bits else None,
        )  # fmt: skip

    def _unparsed(self, raw: bytes, why: str) -> Reading:
        electrical = self.settings.electrical
        return Reading(
            kind="unparsed", quantity="charge" if electrical else "dose", unit="C" if electrical else "Gy",
            flags=(Flag.UNPARSED,), raw=raw, time=_now(), monotonic_s=time.monotonic(), note=why,
        )  # fmt: skip


class PtwUnidosRomeo(PtwUnidosTango):
    """PTW UNIDOS Romeo: the same words."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="ptw-unidos-romeo",
        vendor="PTW",
        title="PTW UNIDOS Romeo reference dosemeter",
        transports=PtwUnidosTango.info.transports,
        quantities=PtwUnidosTango.info.quantities,
        verified=PtwUnidosTango.info.verified[1:],
        assumed=("its name in the reply to PTW is 'UNIDOS Romeo'", *PtwUnidosTango.info.assumed),
    )
    name_pattern: ClassVar[str] = r"^UNIDOS Romeo$"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
