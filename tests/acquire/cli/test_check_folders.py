"""acquire check tries drop folders: a journal that cannot be written is refused before the service would run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from acquire.cli.main import app
from acquire.errors import Refused

CONFIG = """
site = "field"
[broker]
mode = "mosquitto"
port = 0
[spool]
path = "spool.db"
[[instrument]]
id = "tld-1"
model = "winrems"
resource = "dir:win"
"""


def check(folder: Path, settings: str = "", *arguments: str) -> Result:
    """`acquire check` of a configuration with one drop folder."""
    (folder / "service.toml").write_text(CONFIG + settings)
    return CliRunner().invoke(app, ["check", str(folder / "service.toml"), *arguments])


def test_a_folder_that_is_there_is_sound_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    (tmp_path / "win").mkdir()
    done = check(tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "is sound" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["service.toml", "win"]


@pytest.mark.parametrize("settings", ["", 'settings = { journal = "/nowhere/taken" }'])
def test_a_folder_that_is_not_there_is_a_warning(tmp_path: Path, settings: str) -> None:
    done = check(tmp_path, settings)
    assert done.exit_code == 0
    assert ("/nowhere/taken cannot be written" in done.stderr) is bool(settings)
    assert f"Warning: tld-1: There is no folder {tmp_path / 'win'}; make it, or mend the resource." in done.stderr


def test_a_journal_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "win").mkdir()
    journal = f'settings = {{ journal = "{tmp_path / "nowhere" / "taken"}" }}'
    done = check(tmp_path, journal, "--json")
    assert isinstance(done.exception, Refused)
    assert str(done.exception).startswith(f"tld-1: The journal {tmp_path / 'nowhere' / 'taken'} cannot be written")
    assert json.loads(done.stdout)["problems"] == [str(done.exception)]
    assert "cannot be run as it is" in check(tmp_path, journal).stdout
