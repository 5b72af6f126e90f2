"""The commands of docs/procedure.md, run in a shell as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from brokers import free_port
from followed_page import follow, script

from acquire.demo.files import BY_HAND_DOORS, BY_HAND_PORT

PAGE = Path(__file__).parents[2] / "docs" / "procedure.md"
FILES = "acquire demo --files -o case-A"
PORTS = [str(BY_HAND_PORT), *(each.rpartition(":")[2] for each in BY_HAND_DOORS.values())]


def on_free_ports(text: str) -> str:
    """Somebody may be following the page on this machine."""
    ours = {port: str(free_port()) for port in PORTS}
    files = f"{FILES} && sed -i {' '.join(f'-e s/{port}/{own}/' for port, own in ours.items())} case-A/service.toml"
    return re.sub("|".join(PORTS), lambda found: ours[found[0]], text).replace(FILES, files)


@pytest.mark.slow
async def test_the_page_can_be_followed(tmp_path: Path) -> None:
    code, said = await follow(on_free_ports(script(PAGE)), tmp_path)
    assert code == 0, said + (tmp_path / "case-A" / "service.log").read_text()[-2000:]
    assert re.search(r"b1 end\. 15\.6\d nC in \d\.\d s\.", said)  # told by the command that ended the step
    record = json.loads((tmp_path / "case-A" / "record.json").read_text())
    points = {each["id"]: each["result"] for each in record["points"]}
    assert 100 * points["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.15)
    assert points["B1"]["decision"] == "PASS"
    assert points["P4"]["decision"] == "INVALID"
    assert "dose_gy" not in points["P4"]
    assert "and the audit chain hold; held against no anchor." in said
    assert "data:image/svg+xml" in (tmp_path / "case-A" / "record.html").read_text()
