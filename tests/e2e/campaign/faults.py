"""Carries out the faults of a plan on a house, and sees to it that readings flow again before the next one."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter as Tally
from contextlib import suppress
from pathlib import Path

from waiting import until

from campaign.house import House, Member, wipe
from campaign.plan import Fault

FLOWS_WITHIN_S = 60.0
HAPPENS_WITHIN_S = 150.0


class Faults:
    """What was done to a house, counted."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.done: Tally[str] = Tally()
        self.kills: Tally[str] = Tally()  # of each member with a spool: what may have been in the air
        self.slowest_s = 0.0
        self.due: dict[str, int] = {}  # streams that were not their instrument's newest when the store last started
        self.store_starts = 0
        self._chance = random.Random(f"{seed} backups")
        self._backups: list[Path] = []

    async def carry_out(self, fault: Fault) -> None:
        """One fault, from its pause to the moment when readings flow again."""
        await asyncio.sleep(fault.pause_s)
        before = self.house.through()
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            await getattr(self, f"_{fault.kind}")(fault)
        self.done[f"{fault.kind} {fault.victim}"] += 1
        await self.flows(before, f"readings after {fault}")

    async def flows(self, before: dict[str, int], what: str) -> None:
        """Wait until the store has newer readings of every instrument: more of its newest stream than `before`."""

        def all_newer() -> bool:
            now, newest = self.house.through(), self.house.newest()
            return len(newest) == len(self.house.counters) and all(
                now.get(stream, 0) > before.get(stream, 0) for stream in newest.values()
            )

        watch = asyncio.create_task(self._stands_up_again())
        try:
            self.slowest_s = max(self.slowest_s, await until(all_newer, FLOWS_WITHIN_S, what, every_s=0.2))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _stands_up_again(self) -> None:
        """As an init system: a process that ended by itself is started again after a second."""
        while True:
            for name, member in self.house.members.items():
                if member.process.ended() is not None:
                    member.ended_itself += 1
                    self.kills[name] += 1
                    await asyncio.sleep(1.0)
                    await self._start(name)
            await asyncio.sleep(0.1)

    async def _start(self, name: str) -> None:
        if name == self.house.keeper:
            self.due = self.house.old_streams()
            self.store_starts += 1
        await self.house.members[name].process.start()

    # --- processes --------------------------------------------------------------------------------------------------

    async def _kill(self, fault: Fault) -> None:
        if fault.victim == "broker":
            assert self.house.broker is not None
            await self.house.broker.kill()
            await asyncio.sleep(fault.lasts_s)
            await self.house.broker.start()
            return
        await self.house.members[fault.victim].process.kill()
        self.kills[fault.victim] += 1
        await asyncio.sleep(fault.lasts_s)
        await self._start(fault.victim)

    async def _freeze(self, fault: Fault) -> None:
        whole = self.house.broker if fault.victim == "broker" else self.house.members[fault.victim].process
        assert whole is not None
        whole.send(signal.SIGSTOP)
        await asyncio.sleep(fault.lasts_s)
        with suppress(ProcessLookupError):
            whole.send(signal.SIGCONT)

    async def _wipe(self, fault: Fault) -> None:
        assert self.house.broker is not None
        await self.house.broker.kill()
        wipe(self.house)
        await asyncio.sleep(fault.lasts_s)
        await self.house.broker.start()

    # --- files ------------------------------------------------------------------------------------------------------

    async def _backup(self, _fault: Fault) -> None:
        file = self.house.folder / f"backup-{len(self._backups)}.db"
        code, said = await self.house.acquire("store", "backup", str(file), "--store", self._url)
        assert code == 0, said
        self._backups.append(file)

    async def _restore(self, _fault: Fault) -> None:
        """By the command, with the service down; any earlier backup."""
        if not self._backups:
            await self._backup(_fault)
        name = self.house.keeper
        await self.house.members[name].process.kill()
        self.kills[name] += 1
        file = self._chance.choice(self._backups)
        code, said = await self.house.acquire("store", "restore", str(file), "--by", "MP-1", "--store", self._url)
        assert code == 0, said
        await self._start(name)

    @property
    def _url(self) -> str:
        return f"sqlite:///{self.house.store_file}"

    async def _disk(self, fault: Fault) -> None:
        member = self.house.members[fault.victim]
        member.disk.fails(*fault.how.split(), f"{member.file}*")
        await asyncio.sleep(fault.lasts_s)
        member.disk.heals()

    async def _clock(self, fault: Fault) -> None:
        """A step, and after a while the correction: a step too."""
        member: Member = self.house.members[fault.victim]
        member.clock.step(float(fault.how))
        await asyncio.sleep(fault.lasts_s)
        member.clock.step(-float(fault.how))

    async def end(self) -> None:
        """All faults are over: everything runs."""
        for name, member in self.house.members.items():
            member.disk.heals()
            with suppress(ProcessLookupError):
                member.process.send(signal.SIGCONT)
            if member.process.ended() is not None:
                await self._start(name)
