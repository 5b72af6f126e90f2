"""A file that a person names: whole or not at all, and never over another one that was not to be written over."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import acquire

from acquire.cli import writing
from acquire.cli.writing import STDOUT, new_file
from acquire.errors import Refused
from acquire.terminal import output

TESTS = Path(__file__).parents[2]


def put(path: Path, text: bytes, *, force: bool = False, meanwhile: Callable[[], object] = lambda: None) -> None:
    with new_file(path, force=force) as file:
        file.write(text)
        meanwhile()


def interrupted() -> None:
    raise KeyboardInterrupt


def test_what_is_there_stays_until_it_is_forced(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    put(path, b"one")
    with pytest.raises(Refused, match=re.escape(f"There is a file {path} already; it is left as it is (--force")):
        put(path, b"two")
    assert path.read_bytes() == b"one"
    put(path, b"two", force=True)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("answer", "kept"), [("y\n", b"two"), ("\n", b"one"), ("", b"one")])
def test_a_person_at_a_terminal_is_asked(
    answer: str, kept: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    path = tmp_path / "r\x1b[31m.html"
    path.write_bytes(b"one")
    monkeypatch.setattr(output.sys, "stdin", Terminal())
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    try:
        put(path, b"two")
    except Refused:
        assert kept == b"one"
    assert path.read_bytes() == kept
    asked = capsys.readouterr().err
    assert "already. Write over it? [y/N] " in asked
    assert "\x1b" not in asked
    assert asked.endswith("\n") == (answer == ""), "the terminal shows the end of a line that was typed by itself"


@pytest.mark.parametrize("force", [False, True])
def test_one_that_could_not_be_finished_leaves_what_was_there(force: bool, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    if force:
        path.write_bytes(b"one")
    with pytest.raises(KeyboardInterrupt):
        put(path, b"half", force=force, meanwhile=interrupted)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == ([("r.html", b"one")] if force else [])


def test_one_that_came_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    with pytest.raises(Refused, match="left as it is"):
        put(path, b"ours", meanwhile=lambda: path.write_bytes(b"theirs"))
    assert path.read_bytes() == b"theirs"


def test_a_stick_without_links_takes_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_link)
    put(tmp_path / "r.html", b"one")
    with pytest.raises(Refused, match="left as it is"):
        put(tmp_path / "s.html", b"ours", meanwhile=lambda: (tmp_path / "s.html").write_bytes(b"theirs"))
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"r.html": b"one", "s.html": b"theirs"}


def test_the_file_that_a_link_names_is_written_and_a_device_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_bytes(b"one")
    (tmp_path / "link.html").symlink_to("real.html")
    put(tmp_path / "link.html", b"two", force=True)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_bytes() == b"two"
    put(Path(os.devnull), b"gone")
    assert Path(os.devnull).is_char_device()


def test_what_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="is a folder; name a file"):
        put(tmp_path, b"")
    with pytest.raises(Refused, match="cannot be written: No such file or directory"):
        put(tmp_path / "no" / "r.html", b"")
    monkeypatch.setattr(writing.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(Refused, match="cannot be written: No space left"):
        put(tmp_path / "r.html", b"one")
    assert list(tmp_path.iterdir()) == []


def test_a_minus_is_the_output(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    put(STDOUT, b"one")
    assert capfdbinary.readouterr().out == b"one"


def test_an_export_over_a_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert acquire("store", "create", "--store", url).returncode == 0
    (tmp_path / "all.jsonl").write_text("mine")
    done = acquire("store", "export", "-o", "all.jsonl", "--store", url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr.splitlines()[0]
        == "There is a file all.jsonl already; it is left as it is (--force writes over it)."
    )
    assert acquire("store", "export", "-o", "all.jsonl", "--force", "--store", url, cwd=tmp_path).returncode == 0
    assert (tmp_path / "all.jsonl").read_text() != "mine"


def test_no_command_writes_a_named_file_by_itself() -> None:
    """Each goes through `new_file`; a recording is written as it comes, and a log-in's file is no person's."""
    own = {"writing.py", "login_file.py"}
    writes = re.compile(r"\.(write_text|write_bytes)\(|\bopen\([^)]*[\"'][wax]b?[\"']|fdopen\(")
    found = [
        path.name for path in (TESTS.parent / "acquire/cli").glob("*.py")
        if path.name not in own and writes.search(path.read_text())
    ]  # fmt: skip
    assert found == []
