"""A configuration names profiles: they are read with it, their models are found, and what is wrong is told at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acquire.cli.main import app
from acquire.config import load
from acquire.errors import FileProblem
from drivers import Misuse
from drivers.profile.models import __file__ as here
from drivers.registry import model, models, withdraw

PROFILE = (Path(here).parent / "mosfet-reader-5.toml").read_text().replace("mosfet-reader-5", "our-reader")
CONFIG = """\
site = "clinic"
profiles = ["profiles"]
[broker]
mode = "embedded"
[spool]
path = "spool.db"
[[instrument]]
id = "reader-1"
model = "our-reader"
resource = "tcp:192.0.2.1:5025"
settings = { drift_wait_s = 120 }
"""


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    withdraw()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "reader.toml").write_text(PROFILE)
    (tmp_path / "clinic.toml").write_text(CONFIG)
    return tmp_path / "clinic.toml"


def test_its_model_is_found_and_its_settings_are_checked(path: Path) -> None:
    with pytest.raises(Misuse):
        model("our-reader")
    (named,) = load(path).profiles
    assert (named.model.name, named.model.label) == ("our-reader", "profile, invented protocol")
    assert model("our-reader") is named.model
    assert "our-reader" in models()
    path.write_text(CONFIG.replace("120", "601"))
    with pytest.raises(FileProblem, match=r"settings\.drift_wait_s: [0-9.]+ is out of range; it must be at most 600"):
        load(path)


def test_check_shows_which_profiles_were_read(path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["profiles"]
    assert told == [
        {"file": str(path.parent / "profiles"), "model": "our-reader", "label": "profile, invented protocol"}
    ]


def test_what_is_wrong_in_a_profile_is_told_with_its_file_line_and_key(path: Path) -> None:
    (path.parent / "profiles" / "reader.toml").write_text(PROFILE.replace('unit = "mV"', 'unit = "mv"'))
    with pytest.raises(FileProblem, match=r"reader\.toml, line 44, field\.threshold\.unit: 'mv' is no unit"):
        load(path)


def test_two_of_one_name_and_one_of_a_package_are_refused(path: Path) -> None:
    other = path.parent / "other.toml"
    other.write_text(PROFILE)
    path.write_text(CONFIG.replace('["profiles"]', '["profiles", "other.toml"]'))
    with pytest.raises(FileProblem, match="describes 'our-reader' too; give one another name"):
        load(path)
    other.write_text(PROFILE.replace("our-reader", "keithley-6514"))
    with pytest.raises(FileProblem, match="There is a model 'keithley-6514' already"):
        load(path)


def test_drivers_lists_what_is_a_profile(path: Path) -> None:
    done = CliRunner().invoke(app, ["drivers", "--json", "--profile", str(path.parent / "profiles")])
    labels = {each["model"]: each["label"] for each in json.loads(done.stdout)}
    assert labels["our-reader"] == labels["diode-electrometer-12"] == "profile, invented protocol"
    assert labels["keithley-6514"] == ""
