"""The simulated Risø reader's files, held byte by byte against the published structure, and read by the project."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from drivers.files import parse_file
from simulators import serve

STANDING = 1e-6  # simulated seconds a second: what a file is dated with is the start, however busy the machine is
DISC = {"sample": "chips", "dose_scales": {"1": 1.0, "2": 0.5, "7": 0.0}}


@pytest.mark.parametrize(("version", "size"), [(6, 447), (7, 447), (8, 507)])
async def test_its_file_has_the_published_structure(tmp_path: Path, version: int, size: int) -> None:
    served = await serve(
        "risoe-bin", f"dir:{tmp_path}", speed=STANDING, options={"version": version, "start": "2026-06-01T09:02:15"}
    )
    path = served.instrument.read_out_request(DISC)  # type: ignore[union-attr]  # a Risoe
    await served.close()
    assert [child.name for child in tmp_path.iterdir()] == [path.name]
    data = path.read_bytes()
    length = size + 4 * 350
    assert len(data) == 3 * length
    further = version == 8
    for n, position in enumerate((1, 2, 7)):
        record = data[n * length : (n + 1) * length]
        assert struct.unpack_from("<Hiii", record) == (version, length, length if n else 0, 350)
        assert struct.unpack_from("<h", record, 18 + further) == (position,)
        assert record[28 + further : 34 + further] == b"\x05chips"
        assert struct.unpack_from("<3f", record, 329 + further) == (0.0, 350.0, 5.0)
        assert struct.unpack_from("<3h", record, 353 + further) == (0, 0, 350)
    assert data[264 + further : 278 + further] == b"\x06090215\x06010626"


async def test_the_project_reads_it(tmp_path: Path) -> None:
    served = await serve("risoe-bin", f"dir:{tmp_path}", seed=3)
    path = served.instrument.read_out_request(DISC)  # type: ignore[union-attr]  # a Risoe
    assert served.instrument.state() == {"emitted": 3}
    await served.close()
    found = parse_file(path.name, path.read_bytes())
    assert (found.format, found.rejected, found.notes) == ("risoe-bin", [], [])
    assert [(s.element, s.mode, s.flags) for s in found.samples] == [(f"chips/{n}", "TL", ()) for n in (1, 2, 7)]
    full, half, dark = (s.value or 0.0 for s in found.samples)
    assert (full - dark) / (half - dark) == pytest.approx(2.0, rel=0.02)
    assert dark == pytest.approx(350 * 20, rel=0.05)
    temperature, signal = (found.samples[0].axes[name].values for name in ("temperature", "signal"))
    assert (temperature[0], temperature[-1]) == (1.0, 350.0)
    assert temperature[signal.index(max(signal))] == pytest.approx(508 - 273.15, abs=3)


@pytest.mark.parametrize("sample", ["", "a/b", "x" * 21])
async def test_what_cannot_name_a_sample_is_refused(tmp_path: Path, sample: str) -> None:
    served = await serve("risoe-bin", f"dir:{tmp_path}")
    with pytest.raises(ValueError, match="cannot name a sample"):
        served.instrument.read_out_request(DISC | {"sample": sample})  # type: ignore[union-attr]  # a Risoe
    await served.close()


async def test_a_version_that_is_not_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Version 5 of BINX is not simulated"):
        await serve("risoe-bin", f"dir:{tmp_path}", options={"version": 5})
