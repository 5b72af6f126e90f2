"""How one talks to a UNIDOS: get and set, write permission, and starting what runs in the background.

The parts of the driver (unidos.py) stand on this. What is set is compared with the echo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from drivers.driver import Driver
from drivers.errors import Declined, Misuse
from drivers.instrument import Identity
from drivers.ptw import unidos_words as words
from drivers.ptw.unidos_settings import UnidosSettings

PROGRESS_POLL_S = 0.25  # the maximum poll rate is not published: a few a second
BEGINS_WITHIN_S = 5.0  # a zero or self test that has not been seen to run after this did not begin
TOKEN_TRIES = 10


class UnidosTalk(Driver[UnidosSettings]):
    """Words and answers; no measurement yet."""

    async def identify(self) -> Identity:
        """Asks for name, type and firmware (PTW) and the serial number (SER)."""
        name, type_number, firmware, _ = await self.wire.ask(words.request("PTW"), words.parse_device)
        raw = self.wire.heard[-1]
        return Identity("PTW", f"{name} {type_number}", await self._get("SER"), firmware, raw)

    async def stand_down(self) -> None:
        """Gives write permission back (TOK;0)."""
        if self.settings.access == "write":
            await self._give_token()

    async def _get(self, word: str) -> str:
        return await self.wire.ask(words.request(word), partial(words.parse_one, word))

    async def _put(self, word: str, value: object) -> None:
        """Set it. Raises Declined where the echo is another value than was set."""
        echo = await self._permitted(word, partial(words.parse_one, word), value)
        self._hold_against(word, words.text_of(value), echo)

    async def _put_where_other(self, word: str, value: object) -> bool:
        """Set it where it is not so already; whether it was changed."""
        try:
            if words.same_value(words.text_of(value), await self._get(word)):
                return False
        except Declined as error:
            if error.raw not in words.UNKNOWN_WORD:
                raise
        await self._put(word, value)
        return True

    def _hold_against(self, word: str, wanted: str, answer: str) -> None:
        if not words.same_value(wanted, answer):
            raise Declined(f"{self.wire.name} says {word} is {answer}; {wanted} was set.", answer.encode())

    async def _permitted(self, word: str, parse: Any, *parameters: object) -> Any:
        """Ask for something that needs write permission, which is taken again where it was lost."""
        self._may_write()
        try:
            return await self._explained(word, parse, *parameters)
        except Declined as error:
            if error.raw != words.NO_PERMISSION:
                raise
        await self._take_token()
        return await self._explained(word, parse, *parameters)

    async def _explained(self, word: str, parse: Any, *parameters: object) -> Any:
        """A refusal of the unit's inner part comes with what the unit says of it (TFI)."""
        try:
            return await self.wire.ask(words.request(word, *parameters), parse)
        except Declined as error:
            if error.raw not in words.INNER_ERRORS:
                raise
            said = await self.wire.ask(words.request("TFI"), words.parse_failure)
            raise Declined(f"{error} It says of it: '{said}'." if said else str(error), error.raw) from error

    def _may_write(self) -> None:
        if self.settings.access == "read":
            raise Misuse(f"{self.wire.name} is only looked at (access = 'read'); with access = 'write' it can be set.")

    async def _take_token(self) -> None:
        """Write permission: asked for, then asked whether it is ours (the reply to TOK does not say)."""
        self._may_write()
        await self.wire.ask(words.request("TOK"), partial(words.fields, "TOK"))
        for _ in range(TOKEN_TRIES):
            if await self._holds_token():
                return
            await asyncio.sleep(PROGRESS_POLL_S)
        raise Declined(f"{self.wire.name} gives no write permission: close the lock on its screen (viewer mode).")

    async def _holds_token(self) -> bool:
        return await self.wire.ask(words.request("TOK", 1), words.parse_token)

    async def _give_token(self) -> None:
        await self.wire.ask(words.request("TOK", 0), partial(words.fields, "TOK"), timeout_s=1.0)

    async def _run(self, word: str, progress: str) -> Mapping[str, Any]:
        """Start it and wait for its end. Until it was seen to run, the progress word is that of the last run."""
        await self._permitted(word, partial(words.parse_action, word))
        waited, limit, begun = 0.0, BEGINS_WITHIN_S, False
        while waited < limit:
            ask = partial(words.parse_progress, progress)
            status, remaining_s, total_s = await self.wire.ask(words.request(progress), ask)
            if remaining_s > 0 and not begun:
                begun, limit = True, 1.5 * total_s + 10
            if begun and remaining_s <= 0:
                if status != "Passed":
                    raise Declined(f"The UNIDOS ended {word} with '{status}'.")
                return {"status": status, "total_s": total_s}
            step = PROGRESS_POLL_S if begun else PROGRESS_POLL_S / 10
            await asyncio.sleep(step)
            waited += step
        if not begun:
            raise Declined(f"The UNIDOS took {word} and was never seen to run it; its '{status}' is of an earlier run.")
        raise Declined(f"The UNIDOS has not finished {word} after {limit:.0f} s.")
