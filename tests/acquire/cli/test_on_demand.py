"""Commands are imported when they are used, and none that a file registers is missing from the table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main

from acquire.cli.on_demand import TABLE, registered
from acquire.store.database import connect

HEAVY = ("numpy", "pydantic", "aiomqtt", "structlog", "sqlite3", "drivers", "acquire.cli.sessions")
OF_A_STORE = ("sqlite3", "pydantic", "numpy", "scipy", "aiomqtt", "structlog", "asyncio", "acquire.bus.messages",
              "drivers.driver", "drivers.files", "drivers.profile", "acquire.quality", "acquire.glow")  # fmt: skip
CONFIGURATION = """
site = "clinic"
[broker]
mode = "external"
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[instrument]]
id = "em-1"
model = "keithley-6517b"
resource = "tcp:127.0.0.1:9"
"""


def loaded_after(*words: str, of: Sequence[str] = HEAVY, code: int = 0) -> set[str]:
    """Those of these modules that `acquire WORDS` has imported at its end."""
    run = (
        "import sys, atexit; sys.argv[:] = ['acquire', *sys.argv[1:]];"
        f" atexit.register(lambda: print('loaded:', *(e for e in {tuple(of)} if e in sys.modules), file=sys.stderr));"
        " from acquire.start import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", run, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return set(done.stderr.rpartition("loaded:")[2].split())


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    """Of a host whose store is there and empty."""
    connect(tmp_path / "store.db", create=True).close()
    (tmp_path / "service.toml").write_text(CONFIGURATION)
    return str(tmp_path / "service.toml")


def test_help_waits_for_nothing_that_a_command_needs() -> None:
    assert loaded_after("--help") == set()


def test_a_store_that_is_named_waits_for_no_client_of_the_broker(tmp_path: Path) -> None:
    connect(tmp_path / "store.db", create=True).close()
    loaded = loaded_after("session", "list", "--store", f"sqlite:///{tmp_path / 'store.db'}")
    assert {"sqlite3", "acquire.cli.sessions"} <= loaded
    assert "aiomqtt" not in loaded


@pytest.mark.parametrize(
    "command", ["session list", "order list", "notices list", "elements list", "store verify", "user list"]
)
def test_who_asks_the_store_waits_for_store_and_documents_alone(command: str, configuration: str) -> None:
    """Not for arrays and fits, the broker and its messages, the log, or how instruments and their files are read."""
    assert loaded_after(*command.split(), "--config", configuration, of=OF_A_STORE) == {"sqlite3", "pydantic"}


def test_who_watches_the_bus_waits_for_the_client_of_the_broker_and_for_no_dose() -> None:
    of = ("aiomqtt", "numpy", "structlog", "rich.console", "drivers.driver", "drivers.files")
    assert loaded_after("tail", "--host", "127.0.0.1", "--port", "1", of=of, code=1) == {"aiomqtt"}


@pytest.mark.parametrize("library", ["acquire.dosimetry", "acquire.procedure.methods"])
def test_arrays_are_brought_by_whoever_has_some(library: str) -> None:
    said = f"import sys, {library}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], timeout=60, check=False).returncode == 0


def test_a_fit_that_is_kept_is_shown_without_what_makes_one() -> None:
    said = "import sys, acquire.glow; acquire.glow.preset_of('TLD-100'); sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], timeout=60, check=False).returncode == 0


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
