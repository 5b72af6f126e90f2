"""What stands before and after a marker, what commands give into the stream, and what the state says of the model."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from house import Scripted, house_in
from plain_instrument import charge
from waiting import until

from acquire.bus.instrument_client import NotDone
from acquire.store.attribution import measurement
from acquire.store.database import connect as open_store
from drivers import Framing, LinkDown, ReplyTimeout


def marks() -> dict[str, str]:
    return {"measurement": str(uuid4()), "session": "S-1", "step": "irradiate"}


async def test_what_the_instrument_holds_back_belongs_before_the_marker_that_follows(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (_, asker):
        asked = marks()
        Scripted.held_back.append(charge(900, b"before begin"))
        await asker.command("scripted-1", "begin", asked)
        Scripted.held_back.append(charge(901, b"before end"))
        await asker.command("scripted-1", "end", asked)
    store = open_store(tmp_path / "store.db")
    raws = [r.body["raw"] for r in measurement(store, asked["measurement"]).readings]
    assert "before begin" not in raws
    assert raws[-1] == "before end"
    rows = store.execute("SELECT kind, body FROM entry ORDER BY seq").fetchall()
    (begin,) = [n for n, row in enumerate(rows) if row["kind"] == "marker" and b'"begin"' in bytes(row["body"])]
    assert b"before begin" in bytes(rows[begin - 1]["body"])
    store.close()


async def test_a_begin_whose_flush_fails_is_refused_and_an_end_is_set_behind_a_gap(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, asker):
        asked = marks()
        Scripted.held_back.append(ReplyTimeout("No reply within 1 s."))
        with pytest.raises(NotDone, match="cannot begin now: No reply within 1 s"):
            await asker.command("scripted-1", "begin", asked)
        await until(lambda: house.runner.state.state == "ready")
        await asker.command("scripted-1", "begin", asked)
        Scripted.held_back.append(ReplyTimeout("No reply within 2 s."))
        await asker.command("scripted-1", "end", asked)
        await until(lambda: house.runner.state.state == "ready")
        assert Scripted.recovered == 2
    store = open_store(tmp_path / "store.db")
    view = measurement(store, asked["measurement"])
    assert (view.state, view.refused) == ("ended", 1), "the gap of the lost reading is inside"
    store.close()


async def test_samples_of_a_command_are_in_the_stream_before_it_is_answered(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (_, asker):
        asked = marks()
        await asker.command("scripted-1", "begin", asked)
        assert await asker.command("scripted-1", "measure", {}) == {"measured": 1}
        await asker.command("scripted-1", "end", asked)
    store = open_store(tmp_path / "store.db")
    values = [r.body["value"] for r in measurement(store, asked["measurement"]).readings]
    assert values.count(5e-6) == 1
    store.close()


async def test_the_state_says_what_the_model_measures_and_what_frames_a_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"framing": Framing(zero=("peek",), before=("set-gain",)), "channels": ("A", "B")}
    monkeypatch.setattr(Scripted, "model_more", more)
    async with house_in(tmp_path) as (house, asker):
        told = await asker.state("scripted-1")
        assert told is not None
        assert told.framing is not None
        assert (told.measures, told.integrates, told.channels) == ("charge", "running", ["A", "B"])
        assert (told.framing.zero, told.framing.before, told.framing.start) == (["peek"], ["set-gain"], [])
        Scripted.faults[Scripted.number + 2] = ReplyTimeout("No reply within 1 s.")
        await until(lambda: Scripted.recovered == 1)
        await until(lambda: house.runner.state.state == "ready")
    store = open_store(tmp_path / "store.db")
    (gap,) = store.execute("SELECT body FROM entry WHERE kind = 'gap'").fetchone()
    assert b'"count":2' in bytes(gap), "a take that did not come is a reading of each channel"
    store.close()


async def test_the_sentence_of_the_fault_is_kept_with_the_end_of_its_stream(tmp_path: Path) -> None:
    async with house_in(tmp_path) as (house, _):
        Scripted.faults[Scripted.number + 2] = LinkDown("The port is gone.")
        await until(lambda: Scripted.opened == 2 and house.runner.state.state == "ready")
    store = open_store(tmp_path / "store.db")
    ends = {r["ended"]: r["why"] for r in store.execute("SELECT ended, why FROM stream")}
    assert ends == {"link-lost": "The port is gone.", "closed": None}
    store.close()


async def test_however_seldom_it_is_read_it_is_asked_at_once_behind_a_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "interval_s", 3600.0)
    async with house_in(tmp_path) as (_, asker):
        await until(lambda: Scripted.number == 1)
        asked = marks()
        await asker.command("scripted-1", "begin", asked)
        await until(lambda: Scripted.number == 2)
        await asker.command("scripted-1", "end", asked)
    store = open_store(tmp_path / "store.db")
    assert [r.body["raw"] for r in measurement(store, asked["measurement"]).readings] == ["2"]
    store.close()
