"""The house rules that docs/write-a-driver.md promises, held against every registered model, wire or folder."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import third_party
from fleet import FLEET, REGISTERED, THIRD_PARTY, both
from pydantic import ValidationError

from drivers import Instrument, LinkDown, Misuse, Model, NoParameters, Settings, connect
from drivers.files.folder import READ_AGAIN
from drivers.files.format import Format
from drivers.files.settings import FolderSettings
from drivers.registry import GROUP, model
from simulators import MODELS

ROOT = Path(__file__).parents[3]
UCUM = {
    "C", "A", "V", "Ohm", "Gy", "Gy/s", "Gy.m2", "Sv", "s", "K", "Cel", "kPa", "hPa", "%", "1", "{counts}", "J", "W",
    "min", "Pa", "kV", "mR",
}  # fmt: skip
SENTENCE = 10  # letters that say something
KNOWN = (*REGISTERED, THIRD_PARTY)


def found(name: str) -> Model:
    return both(name)[0] if name == THIRD_PARTY else model(name)


class Untouchable:
    """A port that nobody may touch."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"construction touched the port: {name}")


ASKED_FOR = {"column-map": {"element": "Serial", "value": "PMT", "unit": "{counts}"}}  # settings without a default


def constructed(name: str, folder: Path) -> Instrument:
    it = found(name)
    if isinstance(it.driver, Format):
        return connect(it, f"dir:{folder / 'none'}", ASKED_FOR.get(name, {}))
    return connect(it, "nowhere", {}, transport=Untouchable())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", KNOWN)
def test_a_model_says_what_it_is(name: str) -> None:
    it = found(name)
    assert it.name == name, "the name of its entry point"
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert all(len(each) > 1 for each in (it.vendor, it.title, *it.transports))
    assert it.transports
    assert it.quantities
    assert {each.unit for each in it.quantities} <= UCUM
    assert len({each.name for each in it.quantities}) == len(it.quantities)
    assert len(set(it.channels)) == len(it.channels)
    re.compile(it.answers)


@pytest.mark.parametrize("name", KNOWN)
def test_it_says_what_is_assumed_and_what_it_was_held_against(name: str) -> None:
    it = found(name)
    assert it.assumed, "a driver that assumes nothing has not been looked at closely"
    assert it.verified
    assert all(len(each) > SENTENCE for each in it.assumed)
    assert all(len(each.against) > SENTENCE and len(each.what) > SENTENCE for each in it.verified)


@pytest.mark.parametrize("name", KNOWN)
def test_construction_touches_no_hardware(name: str, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    made = constructed(name, tmp_path)
    assert made.model.name == name
    assert made.measures in {each.name for each in made.model.quantities}
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", KNOWN)
def test_settings_refuse_what_nobody_declared_and_infinity(name: str) -> None:
    settings = found(name).settings
    assert issubclass(settings, Settings)
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings.model_validate({"expected_seriall": "1"})
    numbers = [key for key, field in settings.model_fields.items() if "float" in str(field.annotation)]
    assert numbers, "at least poll_interval_s"
    for key in numbers:
        for value in ("inf", "nan"):
            with pytest.raises(ValidationError, match="finite"):
                settings.model_validate({key: float(value)})


@pytest.mark.parametrize("name", KNOWN)
def test_commands_have_a_title_and_typed_parameters_and_framing_names_only_commands(name: str, tmp_path: Path) -> None:
    made = constructed(name, tmp_path)
    commands = made.commands()
    for spec in commands.values():
        assert len(spec.title) > 2
        assert issubclass(spec.parameters, Settings)
        assert spec.parameters is NoParameters or spec.parameters.model_fields
        with pytest.raises(ValidationError):
            spec.parameters.from_request({"nobody-declared-this": 1})
        does = made if spec is READ_AGAIN else made.model.driver  # a drop folder does that one itself, for any format
        assert callable(getattr(does, spec.method))
    assert set(made.model.framing.names) <= set(commands)


@pytest.mark.parametrize("name", FLEET)
def test_a_simulator_of_its_name_exists(name: str) -> None:
    """A format of files needs none (docs/quality-scale.md)."""
    simulated = both(name)[1] if name == THIRD_PARTY else MODELS.get(name)
    assert simulated is not None, f"{name} has no simulator of that name: write one from its manual."
    assert simulated.assumed


@pytest.mark.parametrize("name", FLEET)
async def test_a_command_that_is_none_is_misuse(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=f"{name} has no command 'explode'; it has "):
        await constructed(name, tmp_path).run_command("explode", {})


@pytest.mark.parametrize("name", FLEET)
async def test_before_it_is_opened_it_is_down_and_closing_does_no_harm(name: str) -> None:
    class Closed:
        async def open(self) -> None:
            raise LinkDown("There is no port.")

        async def close(self) -> None:
            """Nothing to release."""

    it = connect(found(name), "nowhere", {}, transport=Closed())  # type: ignore[arg-type]
    with pytest.raises(LinkDown, match="There is no port"):
        await it.open()
    await it.close()
    with pytest.raises(LinkDown):
        await it.take()


def test_grammars_are_held_free_of_io_by_contract() -> None:
    """Each wire driver of the project has a grammar among the modules that import no I/O."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = {each for c in contracts if c["name"].startswith("Grammars are pure") for each in c["source_modules"]}
    for name in REGISTERED:
        package = found(name).driver.__module__.rpartition(".")[0] if name in FLEET else ""
        own = package.startswith("drivers.")
        assert not own or any(each.startswith(f"{package}.") for each in pure), (
            f"the grammar of {name} is in no contract"
        )
    for each in pure:
        assert import_module(each)


def test_a_drop_folder_has_the_settings_of_every_drop_folder() -> None:
    folders = [found(name) for name in REGISTERED if isinstance(found(name).driver, Format)]
    assert folders
    assert all(issubclass(each.settings, FolderSettings) for each in folders)


def test_the_page_names_the_entry_points_that_are_looked_for() -> None:
    points = tomllib.loads(third_party.files()["pyproject.toml"])["project"]["entry-points"]
    assert GROUP in points
    assert points[GROUP] == {THIRD_PARTY: "example_probe:MODEL"}
