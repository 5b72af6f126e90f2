"""Commands are imported when they are used, and none that a file registers is missing from the table."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import typer
import typer.main

from acquire.cli.on_demand import TABLE

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


@pytest.mark.parametrize("module", sorted({place.module for place in TABLE.values()}))
def test_the_table_has_every_command_that_a_file_registers(module: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"acquire.cli.{module}").register(app)
    registered = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group has them
    assert registered == {name for name, place in TABLE.items() if place.module == module}
