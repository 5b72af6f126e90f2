"""What a UNIDOS can be asked beside measuring: write permission, zero and self test, settings, history and records.

Commands that only ask are passive and need no write permission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from drivers.commands import command
from drivers.errors import Declined
from drivers.ptw import unidos_records as records
from drivers.ptw import unidos_words as words
from drivers.ptw.unidos_settings import AutostartParameters, DetectorParameters
from drivers.ptw.unidos_talk import UnidosTalk
from drivers.settings import NoParameters

LONG_S = 200.0  # zero and self test: one and a half times what the instrument states, and its replies
ABOUT = {"device": "RIR", "measurement": "RMR", "system": "RSR", "lan": "REC", "access_point": "RAC"}


class UnidosCommands(UnidosTalk):
    """All that gives no sample."""

    @command("take-access", "Take write permission", while_measuring=True, passive=True)
    async def take_access(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for it (TOK) until it is ours. Raises Declined where the unit does not give it."""
        await self._take_token()
        return {"access": True}

    @command("release-access", "Give write permission back, so that a person can work at the screen", passive=True)
    async def release_access(self, p: NoParameters) -> Mapping[str, Any]:
        """Gives it back (TOK;0), until a command needs it again. Raises Declined where it is still held."""
        await self._give_token()
        if await self._holds_token():
            raise Declined(f"{self.wire.name} says that its write permission is still held.")
        return {"access": False}

    @command("zero", "Zero correction; takes about 82 s", within_s=LONG_S)
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """Starts the zero correction (NUL) and asks (NUS) until it has run and nothing remains.

        Raises Declined where it does not run or does not pass.
        """
        return await self._run("NUL", "NUS")

    @command("self-test", "Self test; takes about 89 s", within_s=LONG_S)
    async def self_test(self, p: NoParameters) -> Mapping[str, Any]:
        """Starts the self test (AST) and asks (ASS) until it has run and nothing remains; gives its charges in C.

        Raises Declined where it does not run or does not pass.
        """
        ended = await self._run("AST", "ASS")
        return {**ended, "charges_c": records.parse_self_test(self.wire.heard[-1])}

    @command("autostart", "Let the signal start the measurement, or not", AutostartParameters)
    async def autostart(self, p: AutostartParameters) -> Mapping[str, Any]:
        """Sets threshold (ASL), autoreset (ASR) and autostart (ASE), in this order. Raises Declined."""
        if p.level is not None:
            await self._put("ASL", p.level)
        await self._put("ASR", p.reset)
        await self._put("ASE", p.enabled)
        self._autostart = p.enabled
        return p.model_dump()

    @command("limits", "Full scale and resolution of the range in force", while_measuring=True, passive=True)
    async def limits(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for both (MVM, MVR). Raises Declined."""
        full = await self.wire.ask(words.request("MVM"), records.parse_full_scale)
        step = await self.wire.ask(words.request("MVR"), records.parse_resolution)
        return {"full_scale": asdict(full), "resolution": asdict(step)}

    @command("history", "The unit's own log of finished measurements", while_measuring=True, passive=True)
    async def history(self, p: NoParameters) -> Mapping[str, Any]:
        """Reads it (RHR), as the unit gives it. Raises Declined."""
        return {"history": await self.wire.ask(words.request("RHR"), partial(records.parse_list, "RHR"))}

    @command("clear-history", "Clear the unit's own log of measurements")
    async def clear_history(self, p: NoParameters) -> Mapping[str, Any]:
        """Clears it (CHR) and reads it (RHR). Raises Declined where something is left."""
        await self._permitted("CHR", partial(words.parse_action, "CHR"))
        left = await self.wire.ask(words.request("RHR"), partial(records.parse_list, "RHR"))
        if left:
            raise Declined(f"{self.wire.name} took CHR and still has {len(left)} records.")
        return {"history": []}

    @command("detectors", "All detectors that the unit knows", while_measuring=True, passive=True)
    async def detectors(self, p: NoParameters) -> Mapping[str, Any]:
        """Reads their records (RDA), as the unit gives them. Raises Declined."""
        return {"detectors": await self.wire.ask(words.request("RDA"), partial(records.parse_list, "RDA"))}

    @command("detector", "The record of one detector", DetectorParameters, while_measuring=True, passive=True)
    async def detector(self, p: DetectorParameters) -> Mapping[str, Any]:
        """Reads it (RDR). Raises Declined where the unit has none of that guid."""
        parse = partial(records.parse_record, "RDR", guid=p.guid)
        return {"detector": await self.wire.ask(words.request("RDR", p.guid), parse)}

    @command("about", "Who the unit is, and how it and its network are set", while_measuring=True, passive=True)
    async def about(self, p: NoParameters) -> Mapping[str, Any]:
        """Reads its records (RIR, RMR, RSR, REC, RAC) and its network address (MAC). Raises Declined."""
        found: dict[str, Any] = {"mac": await self._get("MAC")}
        for name, word in ABOUT.items():
            found[name] = await self.wire.ask(words.request(word), partial(records.parse_record, word))
        return found

    @command("status", "State, write permission, and the last inner failure", while_measuring=True, passive=True)
    async def status(self, p: NoParameters) -> Mapping[str, Any]:
        """Asks for all three (S, TOK;1, TFI). Raises Declined."""
        state = await self.wire.ask(words.request("S"), words.parse_state)
        failure = await self.wire.ask(words.request("TFI"), words.parse_failure)
        return {"state": state, "access": await self._holds_token(), "last_failure": failure}
