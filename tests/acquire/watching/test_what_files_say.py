"""What only files know: how old the oldest unconfirmed entry is, what was verified, when certificates expire."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from certificates import LONG_AGO, Authority
from people_known import staffed
from watched_house import Bare

from acquire.broker.cautions import cautions
from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.certificates import certificates, expires
from acquire.checking import last_verified, note_verified
from acquire.cli.stores import verify
from acquire.config import load
from acquire.spool.journal import Journal
from acquire.spool.publisher import Publisher
from acquire.spool.spool import Spool
from acquire.store.database import connect
from acquire.watching.asked import SpoolSaid, of_files, of_spool
from acquire.watching.health import health


def body(kind: str, time: str) -> bytes:
    return canonical({"kind": kind, "to" if kind == "gap" else "time": time})


def written(journal: Journal, sql: str) -> None:
    with journal.writing():
        journal.db.execute(sql)


async def said(path: Path, spoil: str = "") -> SpoolSaid:
    """What a new start finds in the file."""
    spool = await Spool.open(path)
    try:
        source = (await Publisher.over(spool, Topics("clinic"))).source
        if spoil:
            await spool.call(lambda journal: written(journal, spoil))
        return await spool.call(lambda journal: of_spool(journal, source.waiting()))
    finally:
        await spool.close()


async def test_the_oldest_entry_is_as_old_as_it_says_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    spool = await Spool.open(path)
    for instrument, entries in (
        ("one", [("reading", "2026-03-01T08:00:00.000000Z"), ("reading", "2026-03-01T09:00:00.000000Z")]),
        ("one", [("reading", "2026-03-02T08:00:00.000000Z")]),
        ("two", [("gap", "2026-03-01T10:00:00.000000Z")]),
    ):
        row = await spool.open_stream(instrument)
        await spool.append(row.number, [(body(*each), None) for each in entries])
    await spool.call(lambda journal: journal.confirm([(1, 1, False)], journal.epoch, 0.0))
    await spool.close()
    assert (await said(path)).oldest == {
        "one": datetime(2026, 3, 1, 9, tzinfo=UTC), "two": datetime(2026, 3, 1, 10, tzinfo=UTC),
    }  # fmt: skip
    damaged = await said(path, "UPDATE entry SET body = X'00FF' WHERE stream = 3")
    assert list(damaged.oldest) == ["one"], "what cannot be read has no age"


async def test_a_salvaged_stream_is_older_than_its_number_says(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    spool = await Spool.open(path)
    for day in (5, 2):
        row = await spool.open_stream("one")
        await spool.append(row.number, [(body("reading", f"2026-03-0{day}T08:00:00.000000Z"), None)])
    await spool.close()
    adopted = "UPDATE stream SET source = 'another' WHERE number = 2"
    await said(path, adopted)
    assert (await said(path)).oldest == {"one": datetime(2026, 3, 2, 8, tzinfo=UTC)}


def test_what_verify_found_is_kept_for_that_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = connect(path, create=True)
    staffed(store)
    store.close()
    assert last_verified(path) is None
    verify(store=f"sqlite:///{path}")
    kept = last_verified(path)
    assert kept is not None
    assert kept["problems"] == 0
    with closing(connect(path)) as opened, opened:
        for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            opened.execute(f"DROP TRIGGER {name}")
        opened.execute("UPDATE account SET name = 'Somebody Else' WHERE id = 'MP-1'")
    with pytest.raises(typer.Exit):
        verify(store=f"sqlite:///{path}")
    kept = last_verified(path)
    assert kept is not None
    assert kept["problems"] > 0
    path.rename(tmp_path / "aside.db")
    connect(path, create=True).close()
    assert last_verified(path) is None, "another file lies there now"


def test_a_place_that_takes_nothing_does_not_stop_verify(tmp_path: Path) -> None:
    note_verified(tmp_path / "no" / "store.db", 0)
    assert not (tmp_path / "no").exists()


def test_certificates_are_told_of_by_what_they_are(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    authority.issue("room-1")
    authority.issue("old", validity=LONG_AGO)
    bundle = tmp_path / "bundle.crt"
    bundle.write_bytes((tmp_path / "ca/room-1.crt").read_bytes() + (tmp_path / "ca/old.crt").read_bytes())
    assert expires(bundle) == datetime(2020, 2, 1, tzinfo=UTC), "the first to expire"
    assert expires(tmp_path / "ca/ca.key") is None
    assert expires(tmp_path / "none") is None
    path = tmp_path / "service.toml"
    path.write_text(
        'site = "clinic"\n[broker]\nmode = "external"\nusername = "room-1"\n'
        'tls = { ca_file = "ca/ca.crt", cert_file = "bundle.crt", key_file = "ca/room-1.key" }\n'
    )
    loaded = load(path)
    assert certificates(loaded) == {"broker-client": bundle, "broker-authority": tmp_path / "ca/ca.crt"}
    told = of_files(loaded).certificates
    assert told["broker-client"] == datetime(2020, 2, 1, tzinfo=UTC)
    assert 29 < (told["broker-authority"] - datetime.now(UTC)).total_seconds() / 86400 <= 30


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", 0), ("::1", 0), ("0.0.0.0", 1), ("192.0.2.10", 1)])
def test_who_lets_a_network_ask_is_told(tmp_path: Path, host: str, warned: int) -> None:
    path = tmp_path / "service.toml"
    path.write_text(f'site = "clinic"\n[broker]\nmode = "external"\n[watching]\nhost = "{host}"\nport = 9177\n')
    assert len([each for each in cautions(load(path)) if "reads states, sizes and serial numbers" in each]) == warned


def test_a_spool_whose_disk_fails_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "service.toml"
    path.write_text('site = "clinic"\n[broker]\nmode = "external"\n[spool]\npath = "spool.db"\n')
    waiting = Bare(load(path), waits_for_spool="The spool cannot be opened, since its disk fails (I/O error).")
    parts = {each.name: each.why for each in health(waiting).parts}
    assert parts["spool"] == waiting.waits_for_spool
    assert not health(waiting).ready
