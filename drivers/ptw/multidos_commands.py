"""What a MULTIDOS can be asked beside measuring. Commands of one application say so in the others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from drivers.commands import command
from drivers.driver import Driver
from drivers.errors import Garbled, Misuse
from drivers.ptw import multidos_words as words
from drivers.ptw.multidos_settings import (
    ChannelParameters,
    CorrectionParameters,
    ElementParameters,
    MultidosSettings,
    RangesParameters,
)
from drivers.ptw.telegrams import request
from drivers.settings import NoParameters

ZERO_TIMEOUT_S = 45.0  # the answer comes after 28 s, 35 s at most
ZERO_WITHIN_S = 120.0
ARRAY_LENGTHS = (469, 642)  # characters with and without reference
LIMIT = r" [0-9]\.[0-9]{2,3}E[+-][0-9]{2}"
FACTOR = r"[0-9]\.[0-9]{3}"


class MultidosCommands(Driver[MultidosSettings]):
    """All that gives no sample."""

    @command("zero", "Zero correction; takes about 28 s", within_s=ZERO_WITHIN_S)
    async def zero(self, p: NoParameters) -> None:
        """Zeroes (NUL); the answer comes when it has ended. Raises Declined where it failed (E06)."""
        await self.wire.ask(request("NUL"), partial(words.parse_echo, "NUL"), timeout_s=ZERO_TIMEOUT_S)

    @command("status", "State, what the device says of itself, and its error", while_measuring=True, passive=True)
    async def status(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for state (S), device (SD), and in the state ERR for the error (SE). Raises Declined."""
        state = await self._get("S", "|".join(sorted(words.STATES)))
        device = await self._bits("SD", words.DEVICE_BITS)
        errors = await self._bits("SE", words.ERROR_BITS) if state == "ERR" else []
        return {"state": state, "device": device, "errors": errors}

    @command("ranges", "Set the ranges of both channels", RangesParameters)
    async def ranges(self, p: RangesParameters) -> Mapping[str, Any]:
        """Sets them (R); the echo must be what was asked for. Raises Declined, Misuse."""
        self._only_in("dual")
        await self._put("R", "".join(p.ranges))
        self._ranges = "".join(p.ranges)
        return {"ranges": list(p.ranges)}

    @command("limits", "Full scale and resolution of a channel", ChannelParameters, while_measuring=True, passive=True)
    async def limits(self, p: ChannelParameters) -> Mapping[str, Any]:
        """Asks for both (DM, DR), in the instrument's unit (DU). Raises Declined, Misuse."""
        self._only_in("dual")
        full, step = [float(await self._get(f"{word}{p.channel}", LIMIT)) for word in ("DM", "DR")]
        return {"full_scale": full, "resolution": step, "unit": await self._get("DU", r"[A-Za-z/]{1,6}")}

    @command("corrections", "Set air pressure, temperature and factor, and read them", CorrectionParameters)
    async def corrections(self, p: CorrectionParameters) -> Mapping[str, Any]:
        """Sets what is given (KP, KT, KK), reads all, and the air density correction (KD). Raises Declined, Misuse."""
        self._only_in("multi")
        for word, form, value in (
            ("KP", "06.1f", p.pressure_hpa), ("KT", "04.1f", p.temperature_c), ("KK", "5.3f", p.factor),
        ):  # fmt: skip
            if value is not None:
                await self._put(word, format(value, form))
        return {
            "pressure_hpa": float(await self._get("KP", r"[0-9]{4}\.[0-9]")),
            "temperature_c": float(await self._get("KT", r"[0-9]{2}\.[0-9]")),
            "factor": float(await self._get("KK", FACTOR)),
            "air_density": float(await self._get("KD", FACTOR)),
        }

    @command("constancy-status", "What the constancy check finds wrong", while_measuring=True, passive=True)
    async def constancy_status(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for it (ERR). Raises Declined, Misuse."""
        self._only_in("constancy")
        return {"errors": await self._bits("ERR", words.CONSTANCY_BITS, "ERR;")}

    @command("array", "Elements of an LA48, as the instrument writes them", ElementParameters, passive=True)
    async def array(self, p: ElementParameters) -> Mapping[str, Any]:
        """Asks for one (Dcc) or all (DA). How they are written is not published: the text is passed on as it comes.

        Raises Garbled where the text of all is not as long as the manual has it, Declined, Misuse.
        """
        self._only_in("la48")
        word = "DA" if p.element is None else f"D{p.element:02d}"
        text = await self.wire.ask(request(word), partial(words.text_of, word))
        if p.element is None and len(text) not in ARRAY_LENGTHS:
            raise Garbled(f"DA has {len(text)} characters where {ARRAY_LENGTHS[0]} or {ARRAY_LENGTHS[1]} belong.")
        return {"text": text, "unit": await self._get("DU", r"[A-Za-z/]{1,6}")}

    # --- inside -----------------------------------------------------------------------------------------------------

    _ranges: str | None = None

    def _only_in(self, application: str) -> None:
        if self.settings.application != application:
            raise Misuse(
                f"{self.wire.name} runs {self.settings.application}; this is of application = '{application}'."
            )

    async def _get(self, word: str, form: str) -> str:
        return await self.wire.ask(request(word), partial(words.parse_value, word, form))

    async def _put(self, word: str, value: str) -> None:
        """Set it. Raises Declined where the instrument says no, Garbled where the echo is another."""
        await self.wire.ask(request(word + value), partial(words.parse_echo, word + value))

    async def _put_where_other(self, word: str, value: str) -> None:
        if await self._get(word, f".{{{len(value)}}}") != value:
            await self._put(word, value)

    async def _bits(self, word: str, names: dict[int, str], before: str | None = None) -> list[str]:
        """before: what stands before the digits, where it is not the word alone."""
        return await self.wire.ask(request(word), partial(words.parse_bits, before or word, names))
