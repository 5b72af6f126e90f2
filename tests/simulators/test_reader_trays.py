"""A simulated reader that is told of a tray drops the files of its software; the project reads what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import acquire

from drivers.files import FileReadings, parse_file
from drivers.files.xlum_writing import written
from simulators import serve

TRAYS: list[tuple[str, dict[str, Any], int]] = [
    ("winrems", {}, 24), ("xsyg", {}, 12), ("xlum", {}, 12),
    *(("risoe-bin", {"version": version}, 12) for version in (6, 7, 8)),
]  # fmt: skip


async def dropped(folder: Path, model: str, **options: Any) -> list[FileReadings]:
    served = await serve(model, f"dir:{folder}", seed=5, options=options)
    await served.close()
    return [parse_file(each.name, each.read_bytes()) for each in sorted(folder.iterdir())]


@pytest.mark.parametrize(("model", "options", "readouts"), TRAYS)
async def test_a_tray_is_read_as_the_format_of_its_reader(
    tmp_path: Path, model: str, options: dict[str, Any], readouts: int
) -> None:
    found = await dropped(tmp_path, model, tray=12, **options)
    assert {each.format for each in found} == {model}
    assert not [bad for each in found for bad in each.rejected]
    samples = [s for each in found for s in each.samples if s.role == "sample"]
    assert len(samples) == readouts
    assert len({(s.element, s.element_index) for s in samples}) == readouts
    mean = sum(s.value or 0.0 for s in samples) / readouts
    assert all(s.value == pytest.approx(mean, rel=0.12) for s in samples), "they were irradiated alike"


async def test_a_table_of_dots_is_dropped_too(tmp_path: Path) -> None:
    await (await serve("osl-table", f"dir:{tmp_path}", options={"tray": 12})).close()
    (table,) = tmp_path.iterdir()
    assert len(table.read_text().splitlines()) == 13


@pytest.mark.parametrize("tray", [0.5, -1, 501, "many"])
async def test_a_tray_that_cannot_be_is_refused(tmp_path: Path, tray: Any) -> None:
    with pytest.raises(ValueError, match="A tray holds 1 to 500 chips, not"):
        await serve("xlum", f"dir:{tmp_path}", options={"tray": tray})


async def test_an_xlum_of_the_simulator_is_written_again_so_that_the_same_is_read(tmp_path: Path) -> None:
    (found,) = await dropped(tmp_path, "xlum", tray=3)
    again = parse_file("again.xlum", written(found.samples, "somebody"))
    told = [(s.element, s.clock, s.value, s.axes, s.mode, s.channel, s.kind) for s in found.samples]
    assert [(s.element, s.clock, s.value, s.axes, s.mode, s.channel, s.kind) for s in again.samples] == told
    assert again.rejected == []
    assert {s.kind for s in again.samples} == {"glow-curve"}


async def test_what_goes_wrong_in_a_readout_of_the_xlum_reader_is_in_its_curve(tmp_path: Path) -> None:
    served = await serve("xlum", f"dir:{tmp_path}", seed=5)
    request = {"sample": "s", "dose_scales": {"1": 1.0, "2": 1.0}, "faults": {"2": {"spike": 90_000}}}
    path = served.instrument.read_out_request(request)  # type: ignore[union-attr]  # an Xlum
    assert served.instrument.state() == {"emitted": 2}
    with pytest.raises(ValueError, match="cannot name a file"):
        served.instrument.read_out_request(request | {"sample": "a/b"})  # type: ignore[union-attr]  # an Xlum
    await served.close()
    good, spiked = parse_file(path.name, path.read_bytes()).samples
    assert max(good.axes["signal"].values) < 10_000
    assert max(spiked.axes["signal"].values) > 90_000


async def test_the_files_are_imported_by_the_command_that_people_use(tmp_path: Path) -> None:
    await dropped(tmp_path, "winrems", tray=1)
    said = acquire("import", str(tmp_path / "EXPORT.ASC"))
    assert said.returncode == 0, said.stderr
    assert max(len(line) for line in said.stdout.splitlines() if line.startswith("│")) <= 80
    assert {"1.2", "scalar", "C"} <= set(said.stdout.replace("│", " ").split())
