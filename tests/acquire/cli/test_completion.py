"""What bash, zsh and fish offer at a press of the tabulator key, asked of the shells themselves, by the scripts of the
Debian package."""

from __future__ import annotations

import os
import pty
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from test_on_demand import loaded_after

from acquire.store.database import connect

TOOLS = Path(__file__).parents[3] / "tools"
sys.path.append(str(TOOLS))
import package  # noqa: E402 - what makes the package

ORDER, SESSIONS, DAY = "ORD-1", ("s-2b3c4d5e", "s-1a2b3c4d"), "2026-11-29T08:00:00Z"
CONFIG = """
site = "clinic"
store.url = "sqlite:///store.db"
[broker]
mode = "auto"
[[instrument]]
id = "electrometer-1"
model = "keithley-6514"
resource = "tcp:127.0.0.1:1"
[[instrument]]
id = "reader-1"
model = "winrems"
resource = "dir:drop"
"""

PLAN = """
[[point]]
id = "P4"
site = "eye, left"
[[step]]
id = "b1"
title = "Beam B1"
[[step]]
id = "read-chips"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made with the shells' scripts, a configuration, and its store with an order and its sessions."""
    made = tmp_path_factory.mktemp("completion")
    (made / "bin").mkdir()
    start = made / "bin/acquire"
    start.write_text(f"#!{sys.executable}\n{package.START}")
    start.chmod(0o755)
    for shell, name in (("bash", "acquire"), ("zsh", "_acquire"), ("fish", "acquire.fish")):
        (made / shell).mkdir()
        (made / shell / name).write_text(package.completion(made, shell))
    (made / "service.toml").write_text(CONFIG)
    connect(made / "store.db", create=True).close()
    with closing(sqlite3.connect(made / "store.db")) as store:  # which asks nobody for the documents of a plan
        store.execute("INSERT INTO orders VALUES (?, 'x', 'x', ?, 'MD-1', 1, 1)", (ORDER, DAY))
        for n, session in enumerate(SESSIONS):
            began, last = f"{DAY[:-1]}.{n}Z", 9 - n  # the last one begun is the first, although the clock was set back
            store.execute(
                f"INSERT INTO session VALUES (?, ?, 1, 1, 'x', 'x', 1, ?, 'MP-1', {n}, {last})", (session, ORDER, began)
            )
        store.execute("INSERT INTO document VALUES (?, 'plan', 'plan.toml', ?, ?, 1)", ("ab" * 32, PLAN.encode(), DAY))
        store.execute("INSERT INTO plan VALUES (?, 1, ?, ?, 'MP-1', 1, 3)", (ORDER, "ab" * 32, DAY))
        given = f"'{SESSIONS[0]}', 'P4', 'T-030', NULL, '{DAY}', 'MD-1'"
        store.execute(
            f"INSERT INTO placement (session, point, dosimeter, place, placed_at, placed_by) VALUES ({given})"
        )
        stock = "INSERT INTO element (element, version, batch, barcode, reader, read_as, at, who) VALUES"
        for element in ("T-014", "T-016"):
            store.execute(f"{stock} ('{element}', 1, 'LOT-1', 'x', 'reader-1', 'x', '{DAY}', 'MP-1')")
        store.commit()
    return made


def environment(folder: Path, config: str = "service.toml") -> dict[str, str]:
    """Of a person at a shell, who set ACQUIRE_CONFIG."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "ACQUIRE_CONFIG": str(folder / config)}  # fmt: skip


def in_bash(folder: Path, *typed: str, config: str = "service.toml") -> list[list[str]]:
    """What bash is offered for the last word of each line, by the function that it calls for `acquire`."""
    asked = (
        'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _acquire_completion acquire;'
        ' local IFS=,; echo "${COMPREPLY[*]}"; }\n'
    )
    lines = [f"source '{folder}/bash/acquire'", "complete -p acquire >&2", asked, *(f"ask {each}" for each in typed)]
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=True,
        env=environment(folder, config),
    )  # fmt: skip
    assert done.stderr == "complete -o default -F _acquire_completion acquire\n"
    return [line.split(",") if line else [] for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_bash_is_offered_commands_options_and_ids(folder: Path) -> None:
    before = sorted(folder.iterdir())
    offered = in_bash(
        folder, "acquire se", "acquire session status ''", "acquire order show ''",
        "acquire command ''", "acquire drivers keithley-64", "acquire store verify --an",
        "acquire session step s-1 b1 e", "acquire session step s-2b3c4d5e ''", "acquire session step s-9 ''",
        "acquire session place s-2b3c4d5e ''", "acquire session remove s-2b3c4d5e ''", "acquire elements show T-0",
    )  # fmt: skip
    assert offered == [
        ["session"], [*SESSIONS], [ORDER], ["electrometer-1", "reader-1"],
        ["keithley-6430", "keithley-6485", "keithley-6487"], ["--anchor"], ["end"], ["b1", "read-chips"], [],
        ["P4"], ["T-030", "T-014", "T-016"], ["T-014", "T-016"],
    ]  # fmt: skip
    assert sorted(folder.iterdir()) == before, "nothing is left beside the store"


def test_what_cannot_be_had_is_not_offered_and_nothing_is_said(folder: Path) -> None:
    (folder / "broken.toml").write_text("[[instrument")
    (folder / "elsewhere.toml").write_text('[store]\nurl = "sqlite:///service.toml"\n')
    assert in_bash(folder, "acquire command ''", "acquire session status ''", config="broken.toml") == [[], []]
    assert in_bash(folder, "acquire session status ''", config="elsewhere.toml") == [[]]


def test_zsh_is_offered_words_at_the_first_press(folder: Path) -> None:
    """Its script is a file that zsh finds by its name, and runs when it is first asked."""
    typed = f"fpath=({folder}/zsh $fpath); autoload -Uz compinit; compinit -u -D; PS1='go''> '\n"
    shown = at_terminal(
        ["zsh", "-f", "-i"], environment(folder), (typed, "go> "), ("acquire comm\t", "and "), ("el\t", "ometer-1")
    )
    assert "electrometer-1" in shown


def test_fish_is_offered_words_with_what_they_are(folder: Path) -> None:
    asked = f"source {folder}/fish/acquire.fish; complete -C 'acquire comm'; complete -C 'acquire session status '"
    done = subprocess.run(
        ["fish", "-N", "-c", asked], capture_output=True, text=True, timeout=120, env=environment(folder), check=True
    )
    command, status, _ = done.stdout.splitlines()
    assert command == "command\tAsk an instrument to do something."
    assert status == f"{SESSIONS[1]}\t{ORDER}, {DAY[:16]}"


def test_the_key_waits_for_nothing_of_the_service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ACQUIRE_COMPLETE", "complete_bash")
    monkeypatch.setenv("ACQUIRE_CONFIG", str(folder / "service.toml"))
    for words, may in (
        ("acquire ", {"pydantic"}),  # typer's own: it holds values against their types with it
        ("acquire session status ", {"pydantic", "sqlite3", "drivers", "acquire.cli.sessions"}),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert loaded_after() <= may


def at_terminal(words: list[str], env: dict[str, str], *typed: tuple[str, str]) -> str:
    """What a program shows on a terminal of its own: each text is typed, and what it is to bring is waited for."""
    assert shutil.which(words[0]), f"{words[0]} is missing: tools/setup.sh dev installs it."
    terminal, its_end = pty.openpty()
    child = subprocess.Popen(["setsid", "--ctty", *words], env=env, stdin=its_end, stdout=its_end, stderr=its_end)
    os.close(its_end)
    shown = ""
    try:
        for keys, brings in typed:
            os.write(terminal, keys.encode())
            shown, until = "", time.monotonic() + 60
            while brings not in shown:
                assert time.monotonic() < until, f"{brings} was not shown, but: {shown!r}"
                if select.select([terminal], [], [], 1)[0]:
                    shown += os.read(terminal, 65536).decode(errors="replace").replace("\a", "")
        return shown
    finally:
        child.kill()
        os.close(terminal)
        child.wait()
