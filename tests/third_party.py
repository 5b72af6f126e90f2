"""Somebody else's package: built from the page that teaches it, docs/write-a-driver.md; installed without a network."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import types
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "write-a-driver.md"
FILE = re.compile(r"```(?:python|toml)\n# (\S+\.(?:py|toml))\n(.*?)```", re.DOTALL)


@cache
def files() -> Mapping[str, str]:
    """The files of the package, as the page has them: each block whose first line is a file's name."""
    return dict(FILE.findall(PAGE.read_text()))


def install(files: Mapping[str, str], target: Path, work: Path) -> str:
    """Install a package of some modules and a pyproject.toml with pip; returns what pip said."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check",
            "--no-compile", "--target", str(target), str(_wheel(files, work)),
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def _wheel(files: Mapping[str, str], folder: Path) -> Path:
    """A wheel (PEP 427) of the modules, made by hand: a build needs setuptools, and so a network."""
    project = tomllib.loads(files["pyproject.toml"])["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    info = f"{stem}.dist-info"
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items())
        for group, found in project["entry-points"].items()
    )
    content = {name: text for name, text in files.items() if name.endswith(".py")} | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a-test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
    }
    record = "".join(f"{name},{_digest(text)},{len(text.encode())}\n" for name, text in content.items())
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (content | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(name, text)
    return wheel


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@cache
def module(name: str) -> types.ModuleType:
    """One module of the page's package in this process, nothing installed."""
    made = types.ModuleType(name)
    exec(compile(files()[f"{name}.py"], f"{PAGE.name}: {name}.py", "exec", dont_inherit=True), vars(made))
    return made
