"""The program installed by pipx and by `uv tool` with the very lines of docs/service.md, into an empty home."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
VERSION = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["version"]
BEGINS = f"lib/python3.{sys.version_info.minor}/site-packages/acquire/start.py"


class Newcomer:
    """A home of somebody's own with nothing in it, and a folder that is a clone in which `make wheel` was run."""

    def __init__(self, folder: Path, dist: Path) -> None:
        self.home, self.clone = folder / "home", folder / "clone"
        self.home.mkdir()
        self.clone.mkdir()
        (self.clone / "requirements").symlink_to(HERE / "requirements")
        (self.clone / "dist").symlink_to(dist)
        local = self.home / ".local/bin"
        programs = folder / "bin"
        programs.mkdir()
        for name in ("pipx", "uv"):
            (programs / name).symlink_to(PROGRAMS / name)
        self.env = {
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **what_uv_is_told(),
            "HOME": str(self.home),
            "PATH": f"{local}:{programs}:/usr/bin:/bin",
        }

    def runs(self, line: str) -> str:
        """What a line of the documentation says on its standard output."""
        done = subprocess.run(
            shlex.split(line), cwd=self.clone, env=self.env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def finds(self) -> Path | None:
        """The program, where it is on this person's PATH."""
        found = self.home / ".local/bin/acquire"
        return found if found.exists() else None


def what_uv_is_told() -> dict[str, str]:
    """uv reads nothing of pip's configuration: where that names an index or a certificate, uv is told for this run.

    What it fetches is kept between runs, as the bare system of the installation's test is.
    """
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    pairs = (line.partition("=")[::2] for line in said.stdout.splitlines())
    of_pip = {key.rpartition(".")[2]: str(ast.literal_eval(value)) for key, value in pairs}
    told = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dosimetry-acquire"
    return {name: of_pip[key] for key, name in told.items() if key in of_pip} | {"UV_CACHE_DIR": str(cache / "uv")}


def printed(program: str) -> list[str]:
    """The lines of docs/service.md that are to be typed for a program, without their comments."""
    page = (HERE / "docs/service.md").read_text()
    found = re.findall(rf"^\$ ({program} .*?)(?:  +# .*)?$", page, re.MULTILINE)
    assert len(found) == 3, "it is installed, a newer one put in its place, and removed"
    return found


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make wheel` put the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    code = "import sys; sys.path.append('tools'); import package, pathlib; package.wheel(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=HERE, check=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("program", ["pipx", "uv"])
def test_it_is_installed_measures_is_replaced_and_removed_as_printed(program: str, dist: Path, tmp_path: Path) -> None:
    person = Newcomer(tmp_path, dist)
    install, replace, remove = printed(program)
    person.runs(install)
    assert person.finds()
    assert person.runs("acquire --version") == f"dosimetry-acquire {VERSION}\n"
    assert its_packages(person) >= pinned(), "the releases that were tested"
    assert a_reading(person)["quantity"] == "charge"
    Path(str(person.finds())).resolve().parent.parent.joinpath(BEGINS).unlink()
    person.runs(replace)
    assert person.runs("acquire --version") == f"dosimetry-acquire {VERSION}\n"
    person.runs(remove)
    assert person.finds() is None


def its_packages(person: Newcomer) -> set[str]:
    """What the program's own environment has, as NAME==VERSION in pip's spelling."""
    python = Path(str(person.finds())).resolve().with_name("python")
    code = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    return {
        f"{name.lower().replace('_', '-')}=={version}"
        for name, version in json.loads(person.runs(f'{python} -c "{code}"'))
    }


def pinned() -> set[str]:
    """What requirements/run.txt pins without a condition."""
    lines = (HERE / "requirements/run.txt").read_text().splitlines()
    return {line.strip().lower() for line in lines if "==" in line and ";" not in line}


def a_reading(person: Newcomer) -> dict[str, object]:
    """One reading by the installed program of the installed simulator."""
    words = ["acquire", "simulate", "keithley-6517b", "--listen", "tcp:127.0.0.1:0"]
    with subprocess.Popen(
        [str(person.finds()), *words[1:]], env=person.env, cwd=person.home, stdout=subprocess.PIPE, text=True
    ) as simulator:
        try:
            assert simulator.stdout is not None
            resource = json.loads(simulator.stdout.readline())["resource"]
            said = person.runs(f"acquire read keithley-6517b {resource} --count 1")
        finally:
            simulator.terminate()
    found: dict[str, object] = json.loads(said.splitlines()[0])
    return found
