"""The commands of docs/elements.md, run in a shell as they stand there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from brokers import free_port
from command_line import acquire
from followed_page import follow, script

PAGE = Path(__file__).parents[2] / "docs" / "elements.md"
PORT = "18851"


@pytest.mark.slow
async def test_the_page_can_be_followed(tmp_path: Path) -> None:
    port = str(free_port())
    code, said = await follow(script(PAGE, lambda text: text.replace(PORT, port)), tmp_path)
    assert code == 0, said + (tmp_path / "clinic" / "service.log").read_text()[-2000:]
    assert "8 elements added" in said
    assert "is above 3.5" in said
    assert "rcf = " in said
    assert "tld-reader-1: high-voltage at" in said
    assert said.count("Ended: cal-") == 1
    assert "and the audit chain hold" in said
    store = ("--store", f"sqlite:///{tmp_path}/clinic/store.db", "--json")
    elements = {e["element"]: e for e in json.loads(acquire("elements", "list", *store).stdout)}
    assert elements["T-07"]["status"] == "withdrawn"
    assert elements["T-01"]["accumulated_gy"] == pytest.approx(3.5 + 3 * 2.0)
    assert elements["T-01"]["readings"] == 12 + 3
    assert elements["T-03"]["ecc"] == pytest.approx(160.1 / 165.3, rel=0.01)
    states = [c["state"] for c in json.loads(acquire("calibration", "list", *store).stdout)]
    assert states == ["confirmed", "withdrawn"]
    assert (tmp_path / "clinic" / "stock.csv").read_bytes().count(b"\r\n") == 9
