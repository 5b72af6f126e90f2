"""A service that is killed while it fits: its process goes with it, and the next service fits what is left, once."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from brokers import running_mosquitto
from processes import A_SERVICE, Process
from waiting import until

sys.path.insert(0, str(Path(__file__).parents[1] / "acquire" / "fits"))
sys.path.insert(0, str(Path(__file__).parents[1] / "acquire" / "procedure"))

from arrived import COUNTS, READER, glow
from scenario_a import StoreClient, prepared

from acquire.procedure.results.verify import verify_store
from acquire.store.database import connect

CURVES = 24


def fitters() -> set[int]:
    """Ids of the processes that fit, of this machine."""
    found = set()
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if each.name.isdigit() and b"acquire.fits.process" in (each / "cmdline").read_bytes():
                found.add(int(each.name))
    return found


def children(of: Path) -> set[int]:
    """Those of them whose service keeps its store in this folder."""
    return {pid for pid in fitters() if _cwd(pid) == of}


def _cwd(pid: int) -> Path | None:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cwd").resolve()
    return None


@pytest.mark.slow
async def test_a_kill_in_the_middle_loses_no_fit_and_repeats_none(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db", create=True)
    client = StoreClient(connection, site="clinic")
    prepared(connection)
    client.put(READER, [glow(COUNTS + n) for n in range(CURVES)])

    def fitted() -> int:
        return int(connection.execute("SELECT count(*) FROM curve_fit").fetchone()[0])

    async with running_mosquitto(tmp_path) as broker:
        config = tmp_path / "service.toml"
        config.write_text(A_SERVICE.format(port=broker.port, disk=tmp_path))
        service = Process(tmp_path, "service", "run", str(config), before=("env", "-C", str(tmp_path)))
        for _ in range(2):
            had = fitted()
            await service.start()
            await until(lambda had=had: fitted() > had, 60, "a fit")
            assert len(children(tmp_path)) == 1
            await service.kill()
            await until(lambda: not children(tmp_path), 20, "the end of the process that fits")
        assert 0 < fitted() < CURVES
        await service.start()
        await until(lambda: fitted() == CURVES, 60, "every fit")
        assert await service.stop() == 0
        await until(lambda: not children(tmp_path), 20, "the end of the process that fits")
    keys = connection.execute("SELECT count(DISTINCT seq), count(*) FROM curve_fit").fetchone()[:]
    assert keys == (CURVES, CURVES)
    assert verify_store(connection) == []
    connection.close()
