"""Documentation that cannot rot: Python blocks run, commands exist, links lead somewhere."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acquire.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
GROUPS = (
    "order", "patients", "plan", "session", "elements", "calibration", "store", "spool", "bus", "broker", "notices",
    "hold", "downtime", "billing", "user",
)  # fmt: skip
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_blocks_run(page: Path) -> None:
    """All blocks of a page share one namespace, in order. Blocks with a prompt are doctests, run with their room."""
    names: dict[str, object] = {"__name__": page.stem}
    for n, block in enumerate(re.findall(r"```python\n(?!>>>)(.*?)```", page.read_text(), re.DOTALL), start=1):
        exec(compile(block, f"{page.name}, block {n}", "exec", dont_inherit=True), names)
    assert not asyncio._get_running_loop()


def commands(page: Path) -> list[str]:
    text = page.read_text()
    blocks = re.findall(r"```(?:sh|text)[^\n]*\n(.*?)```", text, re.DOTALL) + re.findall(r"(?m)^ {4}(\S.*)$", text)
    found = re.findall(r"(?m)(?:^|\$\(|; do )(?:\$ )?(acquire [a-z][^\n;|&]*)", "\n".join(blocks))
    return [re.sub(r"\)$| {2,}#.*$", "", line).strip() for line in found]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line)[1:]
        path = words[: 3 if words[:2] == ["billing", "table"] else 2] if words[0] in GROUPS else words[:1]
        shown = CliRunner().invoke(app, [*path, "--help"])
        assert shown.exit_code == 0, f"{page.name}: '{line}' is no command"
        for option in [w.split("=")[0] for w in words if w.startswith("--")]:
            assert option in shown.output, f"{page.name}: '{line}' has no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
