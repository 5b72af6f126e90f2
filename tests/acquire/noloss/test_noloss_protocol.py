"""The no-loss protocol on its real code, over the worst network: explored by hypothesis, checked at every step.

ACQUIRE_NOLOSS_EXAMPLES makes the campaign longer (80 by default).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from network import INSTRUMENT, MARGIN_S, RETENTION_S, TOPICS, World

from acquire.store.ingest import ingest

EXAMPLES = int(os.environ.get("ACQUIRE_NOLOSS_EXAMPLES", "80"))


class NoLoss(RuleBasedStateMachine):
    """All operations in any order; after each one the invariants, at the end the bound liveness."""

    @initialize()
    def start(self) -> None:
        self._dir = tempfile.TemporaryDirectory()
        self.world = World(Path(self._dir.name) / "spool.db")
        self.backups = [(self.world.backup(), 0.0)]
        self.second: sqlite3.Connection | None = None  # a copy of the store that answers too
        self.spool_copy: Path | None = None
        self.by_hand = self.pruned = 0

    # --- the instrument -----------------------------------------------------------------------------------------------

    @rule(poison=st.booleans())
    def append(self, poison: bool) -> None:
        self.world.append_reading(poison=poison)

    @rule(count=st.integers(2, 9))
    def append_many(self, count: int) -> None:
        for _ in range(count):
            self.world.append_reading()

    @rule(withheld=st.booleans())
    def append_stand_in(self, withheld: bool) -> None:
        if withheld:
            self.world.append_withheld()
        else:
            self.world.append_gap()

    @rule(refused=st.booleans())
    def resend(self, refused: bool) -> None:
        """A person has the withheld originals sent again; the broker may still not take them."""
        self.world.takes_no_originals = refused
        self.world.resend()

    @rule()
    def begin(self) -> None:
        if self.world.measurement is None:
            self.world.begin()

    @rule()
    def end(self) -> None:
        self.world.end()

    @rule()
    def lose_link(self) -> None:
        self.world.lose_link()

    @rule()
    def crash_source(self) -> None:
        self.world.crash_source()

    # --- the network --------------------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 6))
    def send(self, times: int) -> None:
        for _ in range(times):
            if not self.world.send():
                break

    @rule(rounds=st.integers(1, 5))
    def flow(self, rounds: int) -> None:
        for _ in range(rounds):
            self.world.flow()

    @rule(seconds=st.floats(0.1, 40))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.to_store)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool) -> None:
        self.world.deliver(self._drawn(data, self.world.to_store, keep))

    @precondition(lambda self: self.world.to_source)
    @rule(data=st.data(), keep=st.booleans())
    def hear(self, data: st.DataObject, keep: bool) -> None:
        self.world.hear(self._drawn(data, self.world.to_source, keep))

    @precondition(lambda self: self.world.to_store or self.world.to_source)
    @rule(wiped=st.booleans())
    def reconnect(self, wiped: bool) -> None:
        self.world.reconnect(wiped=wiped)

    def _drawn(self, data: st.DataObject, of: list, keep: bool):
        index = data.draw(st.integers(0, len(of) - 1))
        return of[index] if keep else of.pop(index)

    # --- pruning ------------------------------------------------------------------------------------------------------

    @rule(days=st.floats(0.5, 3))
    def days_pass(self, days: float) -> None:
        self.world.now += days * 86400

    @precondition(lambda self: self.second is None)
    @rule()
    def begin_pass(self) -> None:
        self.world.begin_pass()

    @precondition(lambda self: self.second is None)
    @rule()
    def prune(self) -> None:
        self.pruned += self.world.prune()

    @precondition(lambda self: self.second is None)
    @rule()
    def prune_whole(self) -> None:
        """A pass that is answered at once."""
        self.world.begin_pass()
        self.world.flow()
        self.pruned += self.world.prune()

    # --- stores and spools put back -----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.backups) < 3)
    @rule()
    def back_up_store(self) -> None:
        self.backups.append((self.world.backup(), self.world.now))

    def _young(self) -> list[sqlite3.Connection]:
        """Backups that may be restored: section 7 promises nothing for older ones."""
        return [backup for backup, taken in self.backups if self.world.now - taken < RETENTION_S - MARGIN_S]

    @precondition(lambda self: self._young())
    @rule(data=st.data())
    def restore_store(self, data: st.DataObject) -> None:
        self.world.restore(data.draw(st.sampled_from(self._young())))

    @precondition(lambda self: not self.by_hand and self._young())
    @rule(data=st.data())
    def put_store_back_by_hand(self, data: st.DataObject) -> None:
        self.by_hand += 1
        self.world.restore_by_hand(data.draw(st.sampled_from(self._young())))

    @precondition(lambda self: self.world.journal.store is not None)
    @rule()
    def replace_store(self) -> None:
        self.world.replace_store()

    @precondition(lambda self: self.second is None)
    @rule()
    def second_store(self) -> None:
        self.second = self.world.backup()
        self.second.execute("UPDATE identity SET epoch = ?", (str(uuid4()),))

    @precondition(lambda self: self.second is not None and self.world.to_store)
    @rule(data=st.data(), keep=st.booleans())
    def deliver_to_second(self, data: st.DataObject, keep: bool) -> None:
        assert self.second is not None
        payload = self._drawn(data, self.world.to_store, keep)
        self.world.to_source += ingest(self.second, "clinic", [(TOPICS.readings(INSTRUMENT), payload)]).answers

    @precondition(lambda self: self.spool_copy is None)
    @rule()
    def copy_spool(self) -> None:
        self.spool_copy = Path(self._dir.name) / "copy.db"
        self.world.copy_spool(self.spool_copy)

    @precondition(lambda self: self.spool_copy is not None)
    @rule()
    def put_spool_back(self) -> None:
        assert self.spool_copy is not None
        self.world.put_spool_back(self.spool_copy)

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.settle()
            finally:
                self.world.journal.close()
                for connection in (self.world.store, self.second, *(b for b, _ in self.backups)):
                    if connection is not None:
                        connection.close()
                self._dir.cleanup()


NoLoss.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestNoLoss = pytest.mark.slow(NoLoss.TestCase)
