"""The page in a browser, as a phone and a desktop show it: axe-core finds nothing, and nothing sticks out sideways."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from acquire.record import html

NODE = Path(__file__).parents[3] / "tools" / "node"


@pytest.mark.slow
def test_axe_finds_nothing_and_nothing_sticks_out(record: dict[str, Any], tmp_path: Path) -> None:
    assert shutil.which("chromium"), "chromium is not installed; `make test` installs it"
    page, shorn = tmp_path / "record.html", tmp_path / "shorn.html"
    page.write_text(html(record))
    shorn.write_text('<p style="color: #ccc; width: 2000px">no language, no title</p>')
    done = subprocess.run(
        ["node", "look-at-page.js", str(page), str(shorn)], cwd=NODE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    looks = {(each["page"], each["view"]): each for each in json.loads(done.stdout)}
    for view in ("phone", "desktop"):
        seen, control = looks["record.html", view], looks["shorn.html", view]
        assert seen["findings"] == []
        assert seen["rules"] > 25
        assert seen["wider"] == 0
        assert {"color-contrast", "document-title", "html-has-lang"} <= {each["rule"] for each in control["findings"]}
        assert control["wider"] > 0
