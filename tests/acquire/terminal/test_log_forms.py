"""The log as the journal, a machine and a person want it: priority, one time stamp, an object a line."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from acquire.terminal import logs
from acquire.terminal.output import say

PAGE = Path(__file__).parents[3] / "docs/watching.md"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
HOSTILE = "a\nb\x1b[2J\u202e"


@contextmanager
def stderr(monkeypatch: pytest.MonkeyPatch, *, is_journal: bool) -> Iterator[list[str]]:
    """A pipe in the place of stderr, as systemd connects it; its lines, once it is over."""
    read, write = os.pipe()
    found = os.fstat(write)
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}" if is_journal else f"{found.st_dev}:1")
    lines: list[str] = []
    with os.fdopen(write, "w") as stream, os.fdopen(read) as other:
        monkeypatch.setattr(sys, "stderr", stream)
        assert logging.lastResort is not None
        before = logging.lastResort.formatter
        try:
            yield lines
        finally:
            logging.lastResort.setFormatter(before)
            stream.close()
            lines += other.read().splitlines()


def fails() -> None:
    password = "hunter2"
    raise ValueError(f"no number\nof {len(password)}")


def says() -> None:
    """A line of each kind: of ours, with an error, of a library, at the end of the program."""
    log = structlog.get_logger("test")
    log.debug("not worth it")
    log.info("running", version="0.1.0")
    log.warning(HOSTILE, topic=HOSTILE)
    try:
        fails()
    except ValueError as error:
        log.exception("a part failed")
        sys.excepthook(type(error), error, error.__traceback__)
    library().error("a library says %s", HOSTILE)


def library() -> logging.Logger:
    """One that has no handler, as in the program; pytest gives one to all that are registered."""
    return logging.Logger("a.library")


def test_in_the_journal_each_line_has_its_priority_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """sd-daemon(3): "<N>" in front, N as in syslog(3)."""
    with stderr(monkeypatch, is_journal=True) as lines:
        logs.configure(logging.INFO)
        says()
    assert all(re.match(r"<[2-7]>", line) for line in lines), lines
    assert not [line for line in lines if STAMP.search(line) or "hunter2" in line or "\x1b" in line]
    assert lines[0] == "<6>running version=0.1.0"
    assert lines[1].startswith("<4>a\\nb\\x1b[2J\\u202e ")
    assert lines[2] == "<3>a part failed"
    assert lines[3] == "<3>  Traceback (most recent call last):"
    assert lines[-2:] == ["<2>of 7", "<3>a library says a\\nb\\x1b[2J\\u202e"]


def test_a_sentence_of_a_command_is_a_warning_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with stderr(monkeypatch, is_journal=True) as lines:
        say("It is wrong.\nIn two lines.")
    assert lines == ["<4>It is wrong.", "<4>In two lines."]
    with stderr(monkeypatch, is_journal=False) as lines:
        say("It is wrong.")
    assert lines == ["It is wrong."]


@pytest.mark.parametrize("is_journal", [True, False])
def test_as_json_each_line_is_an_object(monkeypatch: pytest.MonkeyPatch, is_journal: bool) -> None:
    with stderr(monkeypatch, is_journal=is_journal) as lines:
        logs.configure(logging.INFO, as_json=True)
        structlog.get_logger().info("running", version="0.1.0", instruments=["a", HOSTILE], path=Path("x"))
        structlog.get_logger().warning(HOSTILE)
        try:
            fails()
        except ValueError:
            structlog.get_logger().exception("a part failed")
        library().error("a library says %s", HOSTILE)
    assert [line[:3] for line in lines] == (
        ["<6>", "<4>", "<3>", "<3>"] if is_journal else ['{"v', '{"e', '{"e', '{"l']
    )
    said = [json.loads(line[3:] if is_journal else line) for line in lines]
    assert [each["level"] for each in said] == ["info", "warning", "error", "error"]
    assert [("timestamp" in each) for each in said] == [not is_journal] * 4
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert said[2]["exception"].startswith("Traceback (most recent call last):")
    assert "hunter2" not in lines[2]
    assert (said[3]["logger"], said[3]["event"]) == ("a.library", f"a library says {HOSTILE}")


def test_elsewhere_each_line_begins_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with stderr(monkeypatch, is_journal=False) as lines:
        logs.configure(logging.INFO)
        says()
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z \[info +\] running +version=0.1.0$", lines[0])


def test_the_lines_of_the_page_are_such_lines() -> None:
    """Which fields a start has, the service itself is asked in tests/acquire/watching/test_no_identities.py."""
    printed = [json.loads(line) for line in PAGE.read_text().splitlines() if line.startswith('{"')]
    assert [each["event"] for each in printed] == ["running", "instrument ready"]
