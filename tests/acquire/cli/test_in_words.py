"""Every command in words, as people read it: none is known by its JSON alone.

What a command prints for eyes is code of its own, which a test of its `--json` never enters. A new command must be
added here, or be named with the file of tests that reads what it prints.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from command_line import acquire

from acquire.cli.main import app
from acquire.store.database import connect

sys.path += [str(Path(__file__).parents[1] / "procedure"), str(Path(__file__).parents[1] / "orders")]

from every_row import filled

TESTS = Path(__file__).parents[2]
CONFIG = str(TESTS.parent / "config" / "simulated.toml")
HERE: dict[tuple[str, ...], tuple[str, Sequence[str]]] = {  # command, with what it is asked: a line of its answer
    ("drivers",): ("keithley-6514  Keithley 6514 electrometer", ()),
    ("drivers", "keithley-6514"): ("held against InstrumentKit", ()),
    ("discover",): ("Found", ()),
    ("check", CONFIG): ("is sound. Site", ()),
    ("bus", "contract", "there"): ("there", ()),
    ("order", "list"): ("Orders", ("STORE",)),
    ("order", "list", "--state", "cancelled"): ("cancelled", ("STORE",)),
    ("plan", "list"): ("cancelled", ("STORE",)),
    ("plan", "list", "--state", "newest"): ("newest", ("STORE",)),
    ("order", "show", "ORDER"): ("requester:", ("STORE",)),
    ("order", "messages"): ("Messages taken", ("STORE",)),
    ("session", "list"): ("CALCULATED", ("STORE",)),
    ("session", "list", "--state", "ready"): ("Sessions: none.", ("STORE",)),
    ("session", "status", "SESSION"): ("CALCULATED", ("STORE",)),
    ("notices", "list"): ("is out of tolerance", ("STORE",)),
    ("hold", "list"): ("None.", ("STORE",)),
    ("results", "SESSION"): ("decision", ("STORE",)),
    ("results", "SESSION", "--explain"): ("decision", ("STORE",)),
    ("results", "--trend"): ("a chart needs eight", ("STORE",)),
    ("report", "SESSION", "--format", "html", "-o", "r.html"): ("r.html", ("STORE",)),
    ("plan", "templates"): ("skin-bolus", ()),
    ("plan", "templates", "entrance"): ("monitor units of the port", ()),
    ("plan", "new", "entrance", "-o", "p.toml", "port=B1", "mu=92"): ("p.toml: 46 value(s) are still asked for", ()),
    ("billing", "SESSION"): ("▲ Interpretation", ("STORE",)),
    ("billing", "show", "ORDER", "--course"): ("Nothing is submitted from here", ("STORE",)),
    ("billing", "table", "list"): ("Payer X", ("STORE",)),
    ("store", "stats"): ("Streams", ("STORE",)),
    ("store", "verify"): ("and the audit chain hold", ("STORE",)),
    ("store", "anchor"): ('{"at":', ("STORE",)),
    ("store", "migrate"): ("schema", ("STORE",)),
    ("store", "backup", "b.db"): ("b.db", ("STORE",)),
}
ELSEWHERE = {  # who runs a command in words already: a file of tests, or a page whose commands a test runs
    "tests/acquire/cli/test_commands.py": "store create, simulate, read, tail",
    "tests/acquire/cli/test_session_statements.py": (
        "session console-time, session read-at, session pre-irradiated, session imaging, session correct,"
        " session exclude, session spectrum, session environment, session reader-run"
    ),
    "tests/acquire/cli/test_beam_commands.py": (
        "session parts, session assign-parts, session no-beam, session as-planned, session beam-order"
    ),
    "tests/acquire/cli/test_presence_commands.py": (
        "plan check, session beam-given, session was-there, session was-removed, session was-read-as, session read-anew"
    ),
    "tests/acquire/cli/test_spool_commands.py": "spool status, spool pair, spool resend, spool restore, spool salvage",
    "tests/acquire/cli/test_fit_command.py": "fit",
    "tests/acquire/cli/test_convert_command.py": "convert",
    "tests/acquire/cli/test_verify_instrument.py": "verify",
    "tests/acquire/cli/test_files_and_places.py": "import, store export",
    "tests/acquire/store/test_copies.py": "store restore, store declare-ended",
    "tests/acquire/spool/test_files_aside.py": "spool give-up",
    "tests/e2e/test_capture_commands.py": "capture, replay",
    "tests/e2e/test_demo.py": "demo",
    "tests/e2e/test_commands_on_the_bus.py": "command",
    "tests/e2e/test_profiles_in_the_service.py": "run, session bind",
    "tests/e2e/test_guarded_chain.py": "broker config",
    "tests/acquire/cli/test_plan_files.py": "plan from-dicom",
    "tests/acquire/cli/test_billing_commands.py": "billing table add, billing table withdraw",
    "tests/acquire/cli/test_doctor_command.py": "doctor, order cancel, calibration enter, calibration stated",
    "tests/acquire/cli/test_elements_commands.py": "elements add, calibration show",
    "docs/downtime.md": (
        "downtime form, downtime enter, downtime check, downtime total, session clock, session take-over"
    ),
    "tests/acquire/cli/test_downtime_commands.py": "downtime set-aside",
    "tests/acquire/cli/test_signing_commands.py": (
        "session review, session interpret, session decide, session sign, session amend, session versions, order cover"
    ),
    "tests/acquire/cli/test_people_commands.py": (
        "login, logout, whoami, user add, user list, user role, user lock, user unlock, user password,"
        " user link, user unlink, user hours"
    ),
    "tests/acquire/people/test_looks.py": "order looks",
    "tests/acquire/orders/test_patient_changes.py": "patients correct",
    "docs/notices.md": "notices acknowledge, hold lift",
    "docs/elements.md": (
        "elements batch, elements import, elements event, elements list, elements show, elements export,"
        " calibration begin, calibration add, calibration compute, calibration confirm, calibration list,"
        " calibration ended, calibration reject, calibration touched"
    ),
    "docs/orders.md": (
        "order change, plan still-holds, patients key, patients rotate, patients verify, patients show,"
        " patients original"
    ),
    "docs/procedure.md": (
        "session changed, "
        "order add, plan add, plan confirm, session start, session time-out, session step, session place,"
        " session remove, session close"
    ),
}


NO_JSON = {  # a command that has no --json, and why
    "run": "a service: what it says is its log",
    "read": "its output is JSON lines already",
    "simulate": "its first line is JSON already",
    "capture": "its first line is JSON already",
    "replay": "its first line is JSON already",
    "store export": "its output is JSON lines already",
}


def commands() -> Iterator[tuple[str, ...]]:
    def below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if not hasattr(command, "commands"):
            yield path
            return
        for name, each in command.commands.items():
            yield from below(each, (*path, name))

    yield from below(typer.main.get_command(app), ())


def test_every_command_is_run_in_words() -> None:
    words = [" ".join(each) for each in HERE] + [name for said in ELSEWHERE.values() for name in said.split(", ")]
    known = {name for name in map(" ".join, commands()) for said in words if f"{said} ".startswith(f"{name} ")}
    assert set(map(" ".join, commands())) - known == set()


@pytest.mark.parametrize(("file", "name"), [(file, name) for file in ELSEWHERE for name in ELSEWHERE[file].split(", ")])
def test_who_runs_it_elsewhere_does(file: str, name: str) -> None:
    text, (*_, last) = (TESTS.parent / file).read_text(), name.split()
    assert f"acquire {name}" in text or f'"{last}"' in text


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A store with rows of every kind, its session and its order."""
    path = tmp_path_factory.mktemp("words") / "store.db"
    connection = connect(path, create=True)
    session = asyncio.run(filled(connection))
    (order,) = connection.execute("SELECT order_id FROM session WHERE id = ?", (session,)).fetchone()
    connection.close()
    return path, session, order


@pytest.mark.parametrize("words", HERE, ids=" ".join)
def test_in_words(words: tuple[str, ...], store: tuple[Path, str, str], tmp_path: Path) -> None:
    path, session, order = store
    said, wants = HERE[words]
    url = ("--store", f"sqlite:///{path}") if wants else ()
    given = [{"SESSION": session, "ORDER": order}.get(each, each) for each in words]
    done = acquire(*given, *url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_that_prints_has_json_or_a_reason_not_to() -> None:
    def options(command: Any, *path: str) -> set[str]:
        for name in path:
            command = command.commands[name]
        return {option for each in command.params for option in each.opts}

    app_ = typer.main.get_command(app)
    assert {" ".join(path) for path in commands() if "--json" not in options(app_, *path)} == set(NO_JSON)


@pytest.mark.parametrize("words", HERE, ids=" ".join)
def test_as_one_json_document(words: tuple[str, ...], store: tuple[Path, str, str], tmp_path: Path) -> None:
    """On stdout there is that and nothing else."""
    path, session, order = store
    url = ("--store", f"sqlite:///{path}") if HERE[words][1] else ()
    given = [{"SESSION": session, "ORDER": order}.get(each, each) for each in words]
    done = acquire(*given, "--json", *url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict | list)
