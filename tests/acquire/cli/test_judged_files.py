"""Faults of readouts end to end by file: a simulated reader writes them, the commands import and fit say them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acquire.cli.main import app
from acquire.errors import FileProblem
from simulators import serve
from simulators.files.curve_faults import faults_of

Faults = Mapping[str, Any]
SHAPED = {
    "spike": ({"spike": 2000}, ["Spike: doubt"]),
    "shift": ({"shift_k": 12.0}, ["Shifted curve: doubt"]),
    "light leak": ({"light_leak": 300.0}, ["Light leak: refuse"]),
    "clipped": ({"clip_at": 2000}, ["Saturation: refuse"]),
    "sound": ({}, []),
}


def run(command: str, *words: str | Path) -> Any:
    """A command's JSON, of the program in this process."""
    return json.loads(CliRunner().invoke(app, [command, *map(str, words), "--json"]).stdout)


def told(found: list[dict[str, Any]]) -> list[str]:
    return [f"{f['check']}: {f['severity']}" for f in found if f["severity"] != "not-judged"]


async def xsyg_files(folder: Path, faults: Faults, seed: int = 1) -> list[Path]:
    """Five chips of different doses, the third read with the faults."""
    served = await serve("xsyg", f"dir:{folder}", seed=seed)
    made = []
    for n, scale in enumerate((1.0, 0.5, 0.8, 1.5, 2.0), start=1):
        request = {"sample_name": f"chip {n}", "position": n, "dose_scale": scale}
        made.append(served.instrument.read_out_request(request | ({"faults": faults} if n == 3 else {})))  # type: ignore[union-attr]
    await served.close()
    return made


@pytest.mark.parametrize("name", SHAPED)
async def test_a_lexsyg_file_with_a_fault_says_it_of_its_chip_alone(tmp_path: Path, name: str) -> None:
    faults, expected = SHAPED[name]
    said = run("import", *await xsyg_files(tmp_path, faults))
    assert told(said["findings"]) == expected
    assert all("(chip 3/3)" in sentence for sentence in said["warnings"])
    assert len(said["warnings"]) == len(expected)


async def test_files_may_be_named_in_any_order(tmp_path: Path) -> None:
    files = await xsyg_files(tmp_path, {})
    assert told(run("import", *reversed(files))["findings"]) == []


async def test_a_heater_that_stops_early_is_seen_by_the_batch_and_refused_by_what_is_set(tmp_path: Path) -> None:
    files = await xsyg_files(tmp_path, {"short_k": 6.0})
    assert told(run("import", *files)["findings"]) == ["Hottest temperature: doubt"]
    table = tmp_path / "limits.toml"
    table.write_text('schema = "curve-limits/1"\n[limits]\nset_temperature_c = 350\nset_rate_k_s = 5\n')
    assert told(run("import", *files, "--limits", table)["findings"]) == ["Hottest temperature: refuse"]


@pytest.mark.parametrize("name", SHAPED)
async def test_a_risoe_file_with_a_fault_says_it_of_its_position(tmp_path: Path, name: str) -> None:
    faults, expected = SHAPED[name]
    served = await serve("risoe-bin", f"dir:{tmp_path}", seed=3)
    scales = {str(n): 0.5 + 0.3 * n for n in range(1, 7)}
    request = {"sample": "chips", "dose_scales": scales, "faults": {"4": faults}}
    path = served.instrument.read_out_request(request)  # type: ignore[union-attr]
    await served.close()
    said = run("import", path)
    assert told(said["findings"]) == expected
    assert all("(chips/4)" in sentence for sentence in said["warnings"])


async def test_an_empty_position_is_a_missing_dosimeter(tmp_path: Path) -> None:
    served = await serve("risoe-bin", f"dir:{tmp_path}", seed=5)
    path = served.instrument.read_out("disc", [(1, 1.0), (2, 0.0), (3, 2.0)])  # type: ignore[union-attr]
    await served.close()
    assert told(run("import", path)["findings"]) == ["Missing dosimeter: refuse"]


@pytest.mark.parametrize(
    ("drift", "cards", "expected"),
    [
        (0.0, 60, []),
        (1.0, 40, ["Drift of the reference light: remark"] * 2),
        (1.0, 120, ["Reference light: refuse"] * 2 + ["Drift of the reference light: remark"] * 2),
    ],
)
async def test_reference_light_that_drifts_by_one_percent_a_check(
    tmp_path: Path, drift: float, cards: int, expected: list[str]
) -> None:
    """Elements 2 and 3 are in use; those that nobody reads are not judged."""
    served = await serve("winrems", f"dir:{tmp_path}", seed=2, options={"light_drift_percent": drift})
    charges = (None, 60_000.0, 50_000.0, None)
    path = served.instrument.read_out([(n, charges) for n in range(1, cards + 1)])  # type: ignore[union-attr]
    await served.close()
    said = run("import", path)
    assert told(said["findings"]) == expected
    assert all("element 2" in s or "element 3" in s for s in said["warnings"])


async def test_a_person_is_told_in_sentences_and_what_was_not_judged_in_one_line(tmp_path: Path) -> None:
    files = await xsyg_files(tmp_path, {"clip_at": 2000})
    out = CliRunner().invoke(app, ["import", *map(str, files)]).stdout.replace("\n", " ")
    assert "No number: chip 3_" in out
    assert "is cut off at 2000 for " in out
    assert "Not judged: PMT noise, Reference light, Nitrogen, Residue; --json says why of each." in out


async def test_fit_has_the_findings_beside_its_own_warnings(tmp_path: Path) -> None:
    files = await xsyg_files(tmp_path, {"spike": 2000})
    lines = CliRunner().invoke(app, ["fit", *map(str, files), "--json"]).stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert [told(d["findings"]) for d in documents] == [[], [], ["Spike: doubt"], [], []]
    assert documents[2]["warnings"][0].startswith(f"{documents[2]['name']} has a spike at channel ")
    assert documents[2]["fom_percent"] is not None


def test_a_limit_that_there_is_not_is_named_with_those_there_are(tmp_path: Path) -> None:
    table = tmp_path / "limits.toml"
    table.write_text('schema = "curve-limits/1"\n[limits]\nspike_sigmas = 4\n')
    (tmp_path / "any").write_text("any")
    done = CliRunner().invoke(app, ["import", str(tmp_path / "any"), "--limits", str(table)])
    assert isinstance(done.exception, FileProblem)
    assert "limits.toml, line 2, limits: there is no limit 'spike_sigmas'; did you mean 'spike_sigma'?" in str(
        done.exception
    )


def test_an_unknown_fault_of_a_readout_is_refused_by_the_simulator() -> None:
    with pytest.raises(ValueError, match="There is no fault 'spikes' of a readout; the faults are spike, shift_k"):
        faults_of({"faults": {"spikes": 3}})


def test_two_columns_that_no_reader_wrote_are_told_where_they_are_read(tmp_path: Path) -> None:
    curve, table = tmp_path / "curve.csv", tmp_path / "table.csv"
    curve.write_text("T_K,I\n" + "".join(f"{300 + n},{n}\n" for n in range(200)))
    table.write_text("Dot,Counts,Read at\n" + "".join(f"N-{n},{n},2027-01-01\n" for n in range(9)))
    of_curve, of_table = run("import", curve, table)["files"]
    assert of_curve["reason"].endswith("two columns of temperature and signal: `acquire fit` reads those.")
    assert of_table["reason"].endswith("winrems, xlum, xsyg.")
    assert (of_curve["rejected"], of_table["rejected"]) == (1, 1)
    assert run("fit", curve, "--preset", "single")["name"] == "curve.csv"
