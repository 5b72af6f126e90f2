"""What is made for others to install: the same wheel twice, files that are there, one version, a licence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
CONTAINER = HERE / "packaging/container"
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]


@pytest.mark.slow
def test_the_wheel_is_the_same_bytes_twice_and_holds_what_it_must(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.append('tools'); import package, pathlib; print(package.wheel(pathlib.Path(sys.argv[1])))"
    )
    made = []
    for n in ("one", "two"):
        words = [sys.executable, "-c", code, str(tmp_path / n)]
        made.append(Path(subprocess.run(words, cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()))
    assert made[0].read_bytes() == made[1].read_bytes()
    with zipfile.ZipFile(made[0]) as wheel:
        names = set(wheel.namelist())
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    for part in ("acquire", "drivers", "simulators"):
        ours = {
            str(path.relative_to(HERE)) for path in (HERE / part).rglob("*") if path.suffix in (".py", ".sql", ".css")
        }
        assert ours <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_version_stands_in_one_place() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.toml", "*.json"], cwd=HERE, capture_output=True, text=True, check=True
    )
    stated = re.compile(r"""^(__version__|version) *= *["']\d+\.\d+\.\d+["']""", re.MULTILINE)
    ours = [
        each for each in listed.stdout.split() if each.startswith(("acquire/", "drivers/", "simulators/", "tools/"))
    ]
    assert [each for each in ours if stated.search((HERE / each).read_text())] == []
    said = subprocess.run(
        [Path(sys.executable).with_name("acquire"), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"dosimetry-acquire {PROJECT['version']}\n"


def test_the_licence_is_the_one_that_is_stated() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (HERE / "LICENSE").read_text()


def test_what_the_container_file_copies_and_runs_is_there() -> None:
    """It cannot be built without an engine; that much can be held against the files."""
    lines = (CONTAINER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied
    assert [each for sources in copied for each in sources if not (HERE / each).exists()] == []
    let_in = [line[1:] for line in (HERE / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [each for sources in copied for each in sources if not each.startswith(tuple(let_in))] == []
    assert {each.split()[1] for each in lines if each.startswith("FROM")} == {"debian:bookworm-slim"}
    (entry,) = [json.loads(line.removeprefix("ENTRYPOINT ")) for line in lines if line.startswith("ENTRYPOINT")]
    (command,) = [json.loads(line.removeprefix("CMD ")) for line in lines if line.startswith("CMD")]
    assert (entry, command[0]) == (["acquire"], "run")
    assert f"/acquire.toml {command[1]}" in "\n".join(lines), "what it runs was copied there"


def test_the_compose_file_names_what_there_is() -> None:
    import yaml  # noqa: PLC0415 - comes with the broker's library

    services = yaml.safe_load((CONTAINER / "compose.yaml").read_text())["services"]
    ours = services["acquire"]
    assert (CONTAINER / ours["build"]["context"] / ours["build"]["dockerfile"]).exists()
    mounted = [each.split(":")[0] for service in services.values() for each in service["volumes"]]
    assert all((CONTAINER / each).exists() for each in mounted if each.startswith("./"))
    config = tomllib.loads((CONTAINER / "acquire.toml").read_text())
    assert config["broker"]["host"] in services


@pytest.mark.parametrize("name", ["debian", "container"])
def test_the_configurations_that_come_along_are_sound(name: str) -> None:
    from acquire.config import load  # noqa: PLC0415 - only here

    assert load(HERE / "packaging" / name / "acquire.toml").config.instrument
