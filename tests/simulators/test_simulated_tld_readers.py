"""The simulated TLD readers: the shape of their files, quality lines, the physics of the glow curve."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from simulators import serve
from simulators.clock import SteppedClock
from simulators.files.xsyg import TLD_100, Peak, Xsyg, first_order

STANDING = 1e-6  # simulated seconds a second: what a file is dated with is the start, however busy the machine is

EXAMPLE = (
    '"M6600", 1, 9, 0, 1, 1, 0, "3", "0", 0, " ", 20240601, 090215, 900000, "           ", " ", 1.000E+0, 1.000, 0, '
    '0.000E+0, 0.000, 80955, 0.000E+0, 0.000, 78584, 1.000E+0, 1.000, 0, "pC"'
)


def read_export(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("ascii").splitlines(), skipinitialspace=True))


async def test_export_line_is_the_published_one_byte_for_byte(tmp_path: Path) -> None:
    # The two quality lines before it take 30 s each.
    served = await serve("winrems", f"dir:{tmp_path}", speed=STANDING, options={"start": "2024-06-01T09:01:15"})
    path = served.instrument.read_out([(900000, (None, 80955, 78584, None))])  # type: ignore[union-attr]  # a WinRems
    assert path.read_bytes().split(b"\r\n")[2].decode() == EXAMPLE
    await served.close()


async def test_quality_pairs_come_first_and_after_every_ten(tmp_path: Path) -> None:
    served = await serve("winrems", f"dir:{tmp_path}", seed=4)
    cards = [(number, (1.0, 2.0, 3.0, 4.0)) for number in range(1, 22)]
    path = served.instrument.read_out(cards[:3])  # type: ignore[union-attr]  # a WinRems
    served.instrument.read_out(cards[3:])  # type: ignore[union-attr]  # a WinRems
    kinds = "".join(fields[15] for fields in read_export(path))
    assert kinds == "PR" + " " * 10 + "PR" + " " * 10 + "PR" + " "
    assert all(len(fields) == 29 for fields in read_export(path))
    assert served.instrument.emitted == 21
    await served.close()


def curves(path: Path) -> list[list[tuple[float, float]]]:
    root = ElementTree.fromstring(path.read_bytes().decode("utf-8-sig"))
    found = root.findall("./Sequence/Record[@recordType='TL']/Curve")
    return [[(float(x), float(y)) for x, y in (pair.split(",") for pair in (c.text or "").split(";"))] for c in found]


async def test_glow_curve_file_has_signal_profile_and_heater(tmp_path: Path) -> None:
    served = await serve("xsyg", f"dir:{tmp_path}")
    path = served.instrument.read_out("chip 7", 3, 1.0)  # type: ignore[union-attr]  # an Xsyg
    counts, profile, heater = curves(path)
    assert [len(counts), len(profile)] == [len(heater), 3]
    hottest = max(counts, key=lambda point: point[1])[0]
    assert dict(heater)[hottest] + 273.15 == pytest.approx(508.0, abs=4.0)
    assert [child.name for child in tmp_path.iterdir()] == [path.name]
    await served.close()


async def test_ten_times_the_dose_is_ten_times_the_light(tmp_path: Path) -> None:
    served = await serve("xsyg", f"dir:{tmp_path}", options={"background": 0.0})
    sums = [sum(y for _, y in curves(served.instrument.read_out("c", 1, dose))[0]) for dose in (1.0, 10.0)]  # type: ignore[union-attr]  # an Xsyg
    assert sums[1] / sums[0] == pytest.approx(10.0, rel=5 / math.sqrt(sums[0]))
    await served.close()


@pytest.mark.parametrize("peak", TLD_100)
def test_peak_has_its_maximum_and_area_where_theory_says(peak: Peak) -> None:
    step = 0.01
    grid = [peak.t_max_k + step * n for n in range(-12000, 12000)]
    values = [first_order(t, peak) for t in grid]
    assert grid[values.index(max(values))] == pytest.approx(peak.t_max_k, abs=0.05)
    assert max(values) == pytest.approx(peak.height, rel=1e-6)
    k_tm = 8.617333e-5 * peak.t_max_k
    # First order: area = I_m k T_m² / E · exp(1 − Δ_m …); within 1 % of the usual e·(1 − 2kT_m/E) form.
    x_m = peak.energy_ev / k_tm
    expected = peak.height * peak.t_max_k / x_m * math.exp(1 - 2 / x_m)
    assert sum(values) * step == pytest.approx(expected, rel=0.02)


def test_same_seed_at_the_same_time_writes_the_same_file(tmp_path: Path) -> None:
    texts = []
    for name, seed in (("a", 9), ("b", 9), ("c", 8)):
        (tmp_path / name).mkdir()
        texts.append(Xsyg(tmp_path / name, SteppedClock(), seed, {}).read_out("chip", 1, 0.5).read_bytes())
    assert texts[0] == texts[1] != texts[2]


async def test_a_reader_shows_the_date_of_the_computer_unless_it_was_set(tmp_path: Path) -> None:
    for start, year in (({}, f"{datetime.now():%Y}"), ({"start": "2031-05-06T07:08:09"}, "2031")):
        served = await serve("winrems", f"dir:{tmp_path}", options={"file": f"{year}.ASC", **start})
        path = served.instrument.read_out([(1, (None, 1.0, None, None))])  # type: ignore[union-attr]  # a WinRems
        assert {fields[11][:4] for fields in read_export(path)} == {year}
        await served.close()


async def test_an_osl_reader_appends_a_line_a_reading(tmp_path: Path) -> None:
    served = await serve("osl-table", f"dir:{tmp_path}", speed=STANDING, options={"start": "2027-02-08T10:30:00"})
    reader: Any = served.instrument
    reader.read_out_request({"dots": [["C3-1", 64820], ["C3-1", 64790]]})
    path = reader.read_out_request({"dots": [["S-1", 26010]]})
    assert path.read_bytes() == (
        b"Dot,Reading,Counts,Read at\r\nC3-1,1,64820,2027-02-08 10:30:00\r\nC3-1,2,64790,2027-02-08 10:30:10\r\n"
        b"S-1,1,26010,2027-02-08 10:30:20\r\n"
    )
    for dot, counts in (("a,b", 1), ("a", 1.5), ("", 1)):
        with pytest.raises(ValueError, match="cannot be read: a dot has an engraving without commas and whole counts"):
            reader.read_out_request({"dots": [[dot, counts]]})
    await served.close()
