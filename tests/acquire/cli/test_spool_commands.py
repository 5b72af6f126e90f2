"""`acquire spool ...`: what a person sees, in JSON and in a sentence, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from command_line import acquire

from acquire.spool.journal import Journal

CONFIG = """
site = "clinic"
broker = {{ mode = "embedded" }}
spool = {{ path = "spool.db", limit = {limit}, retention_days = 30 }}
instrument = []
store = {{ url = "sqlite:///store.db" }}
"""


def data(*arguments: str) -> Any:
    ran = acquire(*arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    row = journal.open_stream("electrometer-1")
    journal.append([(row.number, [(b"{}", None)] * 5)])
    journal.withhold(row.number, b'{"big":1}', "too large")
    journal.alarm("store", "s", "another store answers")
    journal.pair("6f2f7f6e-8f0c-4c1e-9d5e-0d0d3c2b1a00")
    journal.new_epoch("e1", 0.0)
    journal.confirm([(row.number, 2, False)], "e1", 10.0)
    yield journal
    journal.close()


def test_status_beside_a_running_service(journal: Journal, tmp_path: Path) -> None:
    found = data("spool", "status", "--spool", str(tmp_path / "spool.db"))
    assert found["running"] is True
    assert (found["source"], found["store"], found["epoch"]) == (journal.source, journal.store, "e1")
    assert (found["entries"], found["unconfirmed"], found["streams"]) == (6, 4, 1)
    assert found["waiting"][0]["through"] == 2
    assert [(w["seq"], w["reason"]) for w in found["withheld"]] == [(6, "too large")]
    assert [a["what"] for a in found["alarms"]] == ["store"]
    assert 0 < found["used_bytes"] < found["limit_bytes"]
    said = acquire("spool", "status", "--spool", str(tmp_path / "spool.db")).stdout
    assert "in use; source" in said
    assert "6 entries in 1 streams, 4 not confirmed." in said


def test_the_configuration_names_spool_and_budget(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "clinic.toml").write_text(CONFIG.format(limit=8 * 2**20))
    assert data("spool", "status", "--config", str(tmp_path / "clinic.toml"))["limit_bytes"] == 8 * 2**20
    (tmp_path / "clinic.toml").write_text(CONFIG.format(limit=100))
    ran = acquire("spool", "status", "--config", str(tmp_path / "clinic.toml"))
    assert (ran.returncode, "limit" in ran.stderr) == (2, True)


@pytest.mark.parametrize("command", ["pair", "restore"])
def test_what_changes_a_spool_is_refused_while_the_service_runs(journal: Journal, tmp_path: Path, command: str) -> None:
    (tmp_path / "copy.db").write_bytes((tmp_path / "spool.db").read_bytes())
    argument = {"pair": str(uuid4()), "restore": str(tmp_path / "copy.db")}[command]
    ran = acquire("spool", command, argument, "--spool", str(tmp_path / "spool.db"))
    assert (ran.returncode, "in use by another process; stop that one first" in ran.stderr) == (1, True)


def test_pair_forgets_what_the_other_store_confirmed(journal: Journal, tmp_path: Path) -> None:
    before = journal.store
    journal.close()
    wanted = str(uuid4())
    done = data("spool", "pair", wanted, "--spool", str(tmp_path / "spool.db"))
    assert (done["store"], done["before"]) == (wanted, before)
    found = data("spool", "status", "--spool", str(tmp_path / "spool.db"))
    assert (found["store"], found["epoch"], found["unconfirmed"], found["running"]) == (wanted, None, 6, False)
    ran = acquire("spool", "pair", "nonsense", "--spool", str(tmp_path / "spool.db"))
    assert (ran.returncode, "is no store id" in ran.stderr) == (2, True)


def test_restore_keeps_what_was_there(journal: Journal, tmp_path: Path) -> None:
    journal.db.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    journal.append([(1, [(b"{}", None)] * 3)])
    journal.close()
    done = data("spool", "restore", str(tmp_path / "copy.db"), "--spool", str(tmp_path / "spool.db"))
    assert done["restored_streams"] == 1
    assert data("spool", "status", "--spool", done["kept"])["entries"] == 9
    found = data("spool", "status", "--spool", str(tmp_path / "spool.db"))
    assert (found["entries"], found["waiting"][0]["ended"]) == (6, "restored")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("status",), 2, "Say which spool: --config CONFIG"),
        (("status", "--spool", "none.db"), 1, "there is no spool at none.db"),
        (("pair", str(uuid4()), "--spool", "none.db"), 1, "there is no spool at none.db"),
        (("restore", "none.db", "--spool", "spool.db"), 1, "there is no copy none.db"),
        (("salvage", "none.db"), 1, "there is no file none.db"),
        (("salvage", "noise.db"), 1, "nothing can be read of noise.db"),
        (("restore", "noise.db", "--spool", "spool.db"), 1, "cannot be read whole as a spool"),
        (("status", "--spool", "noise.db"), 1, "cannot be read as a spool"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.db").write_bytes(b"\xa5" * 9000)
    ran = acquire("spool", *arguments)
    assert (ran.returncode, said in ran.stderr) == (code, True), ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "spool.db").exists()


def test_salvage_says_what_it_could_take_and_takes_it_when_asked(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    place = ("--spool", str(tmp_path / "new.db"))
    found = data("spool", "salvage", str(tmp_path / "spool.db"), *place)
    assert [(s["readable"], s["damaged"]) for s in found["streams"]] == [(6, [])]
    assert found["adopted"] == 0
    assert not (tmp_path / "new.db").exists()
    assert data("spool", "salvage", str(tmp_path / "spool.db"), "--adopt", *place)["adopted"] == 1
    assert data("spool", "status", *place)["unconfirmed"] == 6


def test_status_lists_what_is_withheld_with_the_command_that_mends_it(journal: Journal, tmp_path: Path) -> None:
    place = ("--spool", str(tmp_path / "spool.db"))
    (held,) = data("spool", "status", *place)["withheld"]
    assert (held["instrument"], held["seq"], held["bytes"], held["reason"], held["state"]) == (
        "electrometer-1", 6, 9, "too large", "withheld",
    )  # fmt: skip
    said = acquire("spool", "status", *place).stdout
    assert "`acquire spool resend` sends them again once the broker's limit allows their size." in said


@pytest.mark.parametrize("running", [True, False])
def test_resend_marks_every_original_the_store_does_not_have(journal: Journal, tmp_path: Path, running: bool) -> None:
    place = ("--spool", str(tmp_path / "spool.db"))
    if not running:
        journal.close()
    done = data("spool", "resend", *place)
    assert (done["running"], [each["seq"] for each in done["originals"]]) == (running, [6])
    assert done["largest_message"] == 9 + 2048
    assert [each["state"] for each in data("spool", "status", *place)["withheld"]] == ["to be sent"]
    said = acquire("spool", "resend", *place).stdout
    when = "within seconds" if running else "when the service runs next"
    assert f"1 original(s) are sent again {when}; the broker must take messages of 2057 bytes." in said


def test_resend_with_nothing_withheld_says_so(tmp_path: Path) -> None:
    Journal(tmp_path / "spool.db", reserve=4096).close()
    said = acquire("spool", "resend", "--spool", str(tmp_path / "spool.db"))
    assert (said.returncode, said.stdout) == (0, f"Nothing is withheld in {tmp_path / 'spool.db'}.\n")


def test_a_spool_of_an_older_program_is_read_and_its_service_is_not_asked_to_resend(tmp_path: Path) -> None:
    place = ("--spool", str(tmp_path / "spool.db"))
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    row = journal.open_stream("electrometer-1")
    journal.withhold(row.number, b"{}", "too large")
    for statement in (
        "DROP TABLE aside", "ALTER TABLE withheld DROP COLUMN resend", "ALTER TABLE withheld DROP COLUMN sent_at",
        "ALTER TABLE withheld DROP COLUMN checksum", "ALTER TABLE entry DROP COLUMN checksum",
        "ALTER TABLE stream DROP COLUMN why", "PRAGMA user_version = 2",
    ):  # fmt: skip
        journal.db.execute(statement)
    assert [each["state"] for each in data("spool", "status", *place)["withheld"]] == ["withheld"]
    said = acquire("spool", "resend", *place)
    assert (said.returncode, "is of an older version; stop it and ask again" in said.stderr) == (1, True)
    journal.close()
    assert [each["seq"] for each in data("spool", "resend", *place)["originals"]] == [1]
