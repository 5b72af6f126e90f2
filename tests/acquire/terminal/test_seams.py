"""Text from outside reaches a terminal and the log through one place each, and nothing hidden in it gets through."""

from __future__ import annotations

import ast
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

import acquire
from acquire.cli.main import main
from acquire.printable import is_hidden
from acquire.terminal import logs
from acquire.terminal.output import emit, emit_line, say, table, tell

HOSTILE = "T-\x1b[2J\x9b1m\u202e014\u200b\u2028\u2066x\r\x07"
SEAMS = {"acquire/terminal/output.py", "acquire/terminal/logs.py"}


def hidden(text: str) -> list[str]:
    return [hex(ord(c)) for c in text if c != "\n" and is_hidden(c)]


def writes(tree: ast.AST) -> Iterator[str]:
    """Calls that write to a terminal by themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "print", "sys.stdout.write", "sys.stderr.write", "typer.echo", "typer.secho", "click.echo",
        ):  # fmt: skip
            yield f"{ast.unparse(node.func)} in line {node.lineno}"


def test_nothing_else_of_the_daemon_writes_to_a_terminal() -> None:
    root = Path(acquire.__file__).parents[1]
    found = {}
    for file in sorted((root / "acquire").rglob("*.py")):
        name = str(file.relative_to(root))
        if name not in SEAMS and (said := list(writes(ast.parse(file.read_text())))):
            found[name] = said
    assert found == {}


def test_what_is_said_told_and_shown_holds_nothing_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    tell(f"{HOSTILE}\nsecond line")
    table(HOSTILE, ("element",), [(HOSTILE,)])
    emit({HOSTILE: [HOSTILE]})
    emit_line({"element": HOSTILE})
    said = capsys.readouterr()
    assert hidden(said.out) == hidden(said.err) == []
    assert "T-\\x1b[2J\\x9b1m\\u202e014\\u200b\\u2028\\u2066x\\r\\x07" in said.err
    assert "\nsecond line\n" in said.out
    documents = [line for line in said.out.splitlines() if line.startswith("{")]
    assert [json.loads(each) for each in documents] == [{HOSTILE: [HOSTILE]}, {"element": HOSTILE}]


def test_a_lone_surrogate_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    say("plan-\udcff.toml")
    emit_line({"file": "plan-\udcff.toml"})
    said = capsys.readouterr()
    assert said.err == "plan-\\udcff.toml\n"
    assert json.loads(said.out) == {"file": "plan-\udcff.toml"}


@contextmanager
def configured() -> Iterator[None]:
    """The log as `acquire` has it, on the stderr of now."""
    hook, formatter = sys.excepthook, logging.lastResort.formatter if logging.lastResort else None
    logs.configure(logging.INFO)
    try:
        yield
    finally:
        sys.excepthook = hook
        structlog.reset_defaults()
        if logging.lastResort is not None:
            logging.lastResort.setFormatter(formatter)


def test_a_line_of_the_log_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        structlog.get_logger("x").warning(f"not {HOSTILE}\nfaked line", why=f"{HOSTILE}\nfaked", **{HOSTILE: 1})
    (line,) = capsys.readouterr().err.splitlines()
    assert hidden(line) == []
    assert "\\nfaked" in line


def test_a_traceback_is_indented_and_holds_nothing_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError(f"{HOSTILE}\n2026-11-28T00:00:00Z [info] all is well")
    with configured():
        structlog.get_logger("x").error("a message cannot be digested", exc_info=error)
    first, *rest = capsys.readouterr().err.rstrip("\n").splitlines()
    assert "a message cannot be digested" in first
    assert hidden("".join(rest)) == []
    assert all(line.startswith("  ") for line in rest if line)
    assert any("all is well" in line for line in rest)


def test_what_libraries_log_and_what_ends_the_program_holds_nothing_hidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert logging.lastResort is not None
    record = logging.LogRecord("amqtt", logging.WARNING, "x", 1, f"client {HOSTILE}\nfaked", None, None)
    with configured():
        line = logging.lastResort.format(record)
        sys.excepthook(RuntimeError, RuntimeError(HOSTILE), None)
    assert hidden(line) == []
    assert "\n" not in line
    said = capsys.readouterr().err
    assert "RuntimeError: T-" in said
    assert hidden(said) == []


@pytest.mark.parametrize("words", [["import", f"--{HOSTILE}"], [HOSTILE], ["order", "add", f"/no/{HOSTILE}"]])
def test_a_word_of_the_command_line_is_quoted_without_what_is_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """A shell puts the names of files there: `acquire import *`."""
    monkeypatch.setattr(sys, "argv", ["acquire", *words])
    monkeypatch.setattr(logs, "configure", lambda level: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code != 0
    said = capsys.readouterr()
    assert said.err
    assert hidden(said.err) == hidden(said.out) == []
