"""Which plan came in last is told by the audit trail: a clock that was set back makes none of them an old one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planned import add, planned
from scenario_a import demo_file

from acquire.doctor.looking.stock import newest_files
from acquire.procedure.session import planning
from acquire.procedure.session.lists import plans


@pytest.mark.parametrize("later_at", ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"])
def test_the_plan_that_came_last_is_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later_at: str) -> None:
    _, inventory = demo_file("inventory.toml")
    _, _, own = inventory.partition(b'[[detector]]\nid = "D-11"\n')
    another = b'\n[[detector]]\nid = "D-99"\n' + own.partition(b"\n[")[0].replace(b'serial = "', b'serial = "9')
    it: Any = SimpleNamespace(store_file=tmp_path / "store.db")
    with planned(it) as connection:
        monkeypatch.setattr(planning, "utc_now", lambda: later_at)
        add(connection, 3, inventory=inventory + another)
        found = newest_files(connection)
        assert found is not None
        assert "D-99" in {each.id for each in found[1].detector}
        assert [(each["version"], each["state"]) for each in plans(connection)] == [(3, "newest"), (2, "replaced")]
