"""The commands of docs/orders.md, run in a shell as they stand there, with somebody else's sender of messages."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from brokers import free_port
from followed_page import follow, script

from acquire.demo.files import BY_HAND_DOORS, BY_HAND_PORT

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"
FILES = "acquire demo --files -o case-A"
PORTS = ["12575", str(BY_HAND_PORT), *(each.rpartition(":")[2] for each in BY_HAND_DOORS.values())]


def on_free_ports(text: str) -> str:
    """Somebody may be following the page on this machine."""
    ours = {port: str(free_port()) for port in PORTS}
    files = f"{FILES} && sed -i {' '.join(f'-e s/{port}/{own}/' for port, own in ours.items())} case-A/service.toml"
    return re.sub("|".join(PORTS), lambda found: ours[found[0]], text).replace(FILES, files)


@pytest.mark.slow
async def test_the_page_of_orders_can_be_followed(tmp_path: Path) -> None:
    code, said = await follow(on_free_ports(script(PAGE)), tmp_path)
    folder = tmp_path / "case-A"
    log = (folder / "service.log").read_text() if (folder / "service.log").exists() else ""
    assert code == 0, said + log[-2000:]
    for word in ("is a draft", "is v2 now", "holds for v2", "Messages taken", "identities are what was told"):
        assert word in said
    assert "ANNA" not in log
    store = sqlite3.connect(folder / "store.db")
    assert [row[0] for row in store.execute("SELECT id FROM orders ORDER BY id")] == [
        "ORD-A-1", "ORD-H-0", "ORD-H-1", "ORD-V2-1",
    ]  # fmt: skip
    assert len(store.execute("SELECT DISTINCT patient FROM orders").fetchall()) == 2, "one number, one patient"
    store.close()
    for file in ("store.db", "store.patients.db"):
        assert b"MRN-EXAMPLE-7" not in (folder / file).read_bytes()
