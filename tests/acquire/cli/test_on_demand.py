"""Commands are imported when they are used, and none that a file registers is missing from the table."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from acquire.cli.on_demand import TABLE, registered
from acquire.store.database import connect

HEAVY = ("numpy", "pydantic", "aiomqtt", "structlog", "sqlite3", "drivers", "acquire.cli.sessions")


def loaded_after(*words: str) -> set[str]:
    """Modules of those in HEAVY that `acquire WORDS` has imported at its end."""
    run = (
        "import sys, atexit; sys.argv[:] = ['acquire', *sys.argv[1:]];"
        f" atexit.register(lambda: print(*(each for each in {HEAVY} if each in sys.modules), file=sys.stderr));"
        " from acquire.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", run, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_help_waits_for_nothing_that_a_command_needs() -> None:
    assert loaded_after("--help") == set()


def test_a_store_that_is_named_waits_for_no_client_of_the_broker(tmp_path: Path) -> None:
    connect(tmp_path / "store.db", create=True).close()
    loaded = loaded_after("session", "list", "--store", f"sqlite:///{tmp_path / 'store.db'}")
    assert {"sqlite3", "acquire.cli.sessions"} <= loaded
    assert "aiomqtt" not in loaded


@pytest.mark.parametrize("module", sorted({place.module for place in TABLE.values()}))
def test_the_table_has_every_command_that_a_file_registers(module: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"acquire.cli.{module}").register(app)
    registered = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group has them
    assert registered == {name for name, place in TABLE.items() if place.module == module}


@pytest.mark.parametrize(
    ("module", "words", "made"),
    [
        ("sessions", "session status --help", ["status"]),
        ("sessions", "session stats", []),
        ("billing", "billing table --help", ["add", "list", "withdraw"]),
        ("billing", "billing table add --help", ["add"]),
        ("billing", "billing S-1 --nonsense", ["show"]),
    ],
)
def test_of_a_group_the_command_that_is_asked_for_is_made_and_no_other(
    module: str, words: str, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    making, seen = typer.main.get_command_from_info, list[str]()

    def told(info: Any, **options: Any) -> Any:
        seen.append(info.name)
        return making(info, **options)

    app, (group, *rest) = typer.Typer(), words.split()
    import_module(f"acquire.cli.{module}").register(app)
    monkeypatch.setattr("typer.main.get_command_from_info", told)
    with pytest.raises(SystemExit):
        registered(app)[group].main(rest)
    assert seen == made
