"""Two acquisition hosts, a store and a broker as four machines: nothing is lost, moved or left standing."""

from __future__ import annotations

from pathlib import Path

import pytest
from several_hosts import run_apart


@pytest.mark.slow
async def test_links_cut_and_slowed_clocks_apart(tmp_path: Path) -> None:
    code, said = await run_apart("several_hosts_campaign", str(tmp_path), within_s=200)
    logs = "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in tmp_path.glob("*.log"))
    assert code == 0, said + logs
    assert '"attached"' in said
    print(said)
