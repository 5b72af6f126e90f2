"""session review, interpret, decide, sign, amend, versions, order cover, report --version and --to: words and codes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import acquire
from people_known import everybody, logged_in, password_file
from signable import ready, reviewed, to_sign

from acquire.cli import people
from acquire.cli.signing import sign
from acquire.people import get_account
from acquire.procedure.signing.writing import write
from acquire.record import signing
from acquire.store.database import connect


class Desk:
    """A session to be signed, and people who are logged in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = connect(folder / "store.db", create=True)
        self.session = asyncio.run(ready(self.connection))

    def run(self, who: str | None, *words: str) -> Any:
        env = {**os.environ, "ACQUIRE_LOGIN": str(self.folder / "nobody")}
        env = env if who is None else logged_in(self.connection, who, self.folder)
        return acquire(*words, "--store", f"sqlite:///{self.folder / 'store.db'}", cwd=self.folder, env=env)

    def says(self, who: str | None, *words: str) -> str:
        done = self.run(who, *words)
        assert done.returncode == 0, done.stderr
        return str(done.stdout + done.stderr)

    def refuses(self, who: str, sentence: str, *words: str) -> None:
        done = self.run(who, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert sentence in done.stderr

    def printed(self, name: str, *more: str) -> bytes:
        self.says(None, "report", self.session, "-o", name, *more)
        return (self.folder / name).read_bytes()

    def signs(self, who: str, name: str) -> str:
        shown = json.loads(self.printed(name, "--format", "json"))["to_sign"]
        given = ("--seen", shown[:16], "--password-file", password_file(who, self.folder))
        return self.says(who, "session", "sign", self.session, *given)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.connection.close()


@pytest.mark.slow
def test_from_results_to_a_signed_record_and_its_amendment(desk: Desk) -> None:
    of = desk.session
    said = desk.says("MP-1", "session", "review", of, "--text", "Agrees with the plan.")
    assert "the review of version 1 is written; print the record, read it, sign it" in said
    desk.refuses("RO-1", "(radiation-oncologist) may not review results", "session", "review", of, "--text", "Fine.")
    desk.refuses("MD-1", "may not sign records", "session", "sign", of, "--seen", "0" * 64)
    wrong = ("--seen", "0" * 64, "--password-file", password_file("RO-1", desk.folder))
    desk.refuses("MP-1", "The account or the password is wrong.", "session", "sign", of, *wrong)
    wrong = ("--seen", "0" * 64, "--password-file", password_file("MP-1", desk.folder))
    desk.refuses("MP-1", "to be signed now begins with", "session", "sign", of, *wrong)
    assert "review signed by Mary Phys at 20" in desk.signs("MP-1", "1.json")
    desk.says("RO-1", "session", "interpret", of, "--text", "The dose is as planned.")
    desk.says("RO-1", "session", "decide", of, "adjusted", "--text", "2 MU less on C2 from fraction 2 on.")
    assert "interpretation signed by Rosa Oncol at 20" in desk.signs("RO-1", "2.json")
    pages = [desk.printed(f"{n}.html", *more) for n, more in enumerate(((), ("--version", "1")))]
    assert pages[0] == pages[1]
    printed = desk.printed("record.pdf")
    assert printed.startswith(b"%PDF-1.7")
    assert desk.printed("again.pdf", "--version", "1") == printed
    connection = desk.connection
    assert connection.execute("SELECT made_with FROM rendition_pdf").fetchall()[0][0].startswith("WeasyPrint 7")
    assert b"Plan adjusted" in pages[0]
    assert b"2 MU less" in pages[0]
    desk.says("MD-1", "report", of, "-o", "chart.html", "--to", "the hospital's chart")
    said = desk.says("MP-1", "session", "amend", of, "--reason", "a typing mistake in the review")
    assert "version 2 is open; version 1 stands as it was signed" in said
    assert "What was signed before is with MP-1, RO-1, the hospital's chart: they are to get the correction" in said
    found = json.loads(desk.run(None, "session", "versions", of, "--json").stdout)["versions"]
    assert [(f["version"], len(f["signatures"]), f["given_to"]) for f in found] == [
        (1, 2, ["the hospital's chart"]), (2, 0, [])
    ]  # fmt: skip
    assert "typing" in desk.says(None, "session", "versions", of)
    assert desk.printed("again.html", "--version", "1") == pages[0]
    assert b"VERSION 2, REPLACES VERSION 1" in desk.printed("draft.html")
    odd = desk.run(None, "report", of, "-o", "record.xyz")
    assert "record.xyz ends in none of .html, .pdf and .json: say with --format which it is to be" in odd.stderr
    assert odd.returncode != 0
    done = desk.run(None, "report", of, "-o", "none.html", "--version", "2")
    assert (done.returncode, "There is no signed version 2" in done.stderr) == (1, True)
    assert "audit chain hold" in desk.says(None, "store", "verify")


def test_a_signature_is_told_before_its_pdf_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Laying the pages out takes seconds, in which nobody is to think that nothing was signed."""
    connection, session, told = desk.connection, desk.session, []
    with everybody():
        reviewed(connection, session)
        write(connection, session, "interpretation", "As planned.", "RO-1")
        write(connection, session, "decision", "No change.", "RO-1", "unchanged")
        monkeypatch.setattr(people, "shown", lambda *_, **__: get_account(connection, "RO-1"))
        monkeypatch.setattr(signing, "kept_pdf", lambda *_: told.append(capsys.readouterr().out))
        sign(session, to_sign(connection, session), "RO-1", store=f"sqlite:///{desk.folder / 'store.db'}")
    (before,) = told
    assert f"{session} version 1: interpretation signed by Rosa Oncol at 20" in before
    assert capsys.readouterr().out == ""


def test_covering_is_named_and_a_record_is_given_by_somebody(desk: Desk) -> None:
    assert "ORD-N-1: RO-2 may sign" in desk.says("RO-1", "order", "cover", "ORD-N-1", "RO-2", "--reason", "on leave")
    desk.refuses("RO-2", "names who covers", "order", "cover", "ORD-N-1", "RO-1", "--reason", "x")
    desk.refuses("AU-1", "may not give records away", "report", desk.session, "-o", "x.html", "--to", "a journal")
    assert not (desk.folder / "x.html").exists()
