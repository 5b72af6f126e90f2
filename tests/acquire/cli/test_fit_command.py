"""`acquire fit` as a person uses it: tables, JSON, pictures; and one sentence where there is nothing to fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import acquire
from tld_curves import PEAKS_005, TEMPERATURES_005, noisy, rate_equation_curve

Ran = tuple[int, str, str]
KELVIN = np.array(TEMPERATURES_005)
SIGNAL = noisy(rate_equation_curve(KELVIN, PEAKS_005) + 2, 1.5, 1)


@pytest.fixture
def fit() -> Callable[..., Ran]:
    def run(*words: object) -> Ran:
        done = acquire("fit", *map(str, words), env=os.environ | {"COLUMNS": "120"})
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    return columns(tmp_path / "chip.csv", SIGNAL)


def columns(path: Path, signal: np.ndarray) -> Path:
    rows = "\n".join(f"{t:.2f},{y:.4f}" for t, y in zip(KELVIN, signal, strict=True))
    path.write_text(f"T_K,I\n{rows}\n")
    return path


def xsyg(path: Path, *records: str) -> Path:
    path.write_text(
        f'<?xml version="1.0"?><Sample name="Disc"><Sequence position="7">{"".join(records)}</Sequence></Sample>'
    )
    return path


def record(kind: str, times: np.ndarray, signal: np.ndarray, celsius: np.ndarray | None = None) -> str:
    def curve(what: str, values: np.ndarray) -> str:
        pairs = ";".join(f"{t:.2f},{y:.6g}" for t, y in zip(times, values, strict=True))
        return f'<Curve {what} curveType="measured">{pairs}</Curve>'

    heater = "" if celsius is None else curve('stimulator="heating element"', celsius)
    return f'<Record recordType="{kind}">{curve("detector=" + chr(34) + "UVVIS" + chr(34), signal)}{heater}</Record>'


def test_tables_say_peaks_robust_areas_regions_and_warnings(fit: Callable[..., Ran], chip: Path) -> None:
    code, out, err = fit(chip, "--ramp", 5)
    assert (code, err) == (0, "")
    for words in ("chip.csv: TLD-100, first, background linear, FOM", "T_m / K", "Areas that are robust", "4 and 5"):
        assert words in out
    assert "Peaks 3, 4 and 5 overlap: their areas share" in out


def test_one_curve_is_one_json_document_and_several_are_lines(fit: Callable[..., Ran], chip: Path) -> None:
    code, out, _ = fit(chip, "--json", "--integral", "kitis", "--region", "5=490:535", "--range", "350:559")
    document = json.loads(out)
    assert code == 0
    assert [peak["name"] for peak in document["peaks"]][-1] == "5"
    assert document["regions"][0]["name"] == "5"
    assert document["points"] < 200
    assert len([json.loads(line) for line in fit(chip, chip, "--json")[1].splitlines()]) == 2


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_written_once(fit: Callable[..., Ran], chip: Path, tmp_path: Path, kind: str) -> None:
    picture = tmp_path / f"chip.{kind}"
    code, _, err = fit(chip, "-o", picture)
    assert (code, f"The picture is {picture}." in err) == (0, True)
    assert (b"<svg" if kind == "svg" else b"\x89PNG") in picture.read_bytes()[:2000]
    code, _, err = fit(chip, "-o", picture)
    assert (code, "it is left as it is" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--preset", "TLD-999"], 2, "There is no preset 'TLD-999'"),
        (["--form", "third"], 2, "There is no kinetic form 'third'"),
        (["--weights", "none"], 2, "--weights is 'none'; it must be one of auto, poisson, gaussian"),
        (["--integral", "fast"], 2, "--integral is 'fast'"),
        (["--range", "530:470"], 2, "'530:470' is no part of a curve"),
        (["--region", "470:530"], 2, "'470:530' is no region"),
        (["-o", "picture.gif"], 2, "picture.gif names no picture"),
        (["--ramp", "0"], 1, "The heating rate is 0 K/s"),
        (["--interval", "-1"], 1, "The time from point to point is -1 s"),
        (["--range", "100:200"], 1, "The curve has 0 points to fit"),
        (["--background", "blank"], 1, "needs the curve of an element that received no dose"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    fit: Callable[..., Ran], chip: Path, words: list[str], code: int, said: str
) -> None:
    ran, _, err = fit(chip, *words)
    assert ran == code
    assert said in err
    assert "Traceback" not in err


def test_a_blank_is_taken_off_and_must_cover_the_curve(fit: Callable[..., Ran], tmp_path: Path) -> None:
    under = 20 + 60 * np.exp((KELVIN - KELVIN[-1]) / 25)
    chip, blank = columns(tmp_path / "chip.csv", SIGNAL + 1.5 * under), columns(tmp_path / "blank.csv", under)
    code, out, _ = fit(chip, "--blank", blank, "--json")
    assert code == 0
    assert json.loads(out)["under"]["blank_factor"] == pytest.approx(1.5, abs=0.05)
    short = tmp_path / "short.csv"
    short.write_text("\n".join(blank.read_text().splitlines()[:100]))
    code, _, err = fit(chip, "--blank", short)
    assert code == 1
    assert "The blank runs from 308 to" in err


def test_glow_and_decay_curves_of_a_readers_file(fit: Callable[..., Ran], tmp_path: Path) -> None:
    seconds = np.arange(0.1, 50.3, 0.25)[:200]
    decay = np.random.default_rng(1).poisson(10 + 900 * np.exp(-0.5 * seconds))
    counts = np.random.default_rng(2).poisson(10 * np.maximum(SIGNAL, 0)).astype(float)
    glow = record("TL", seconds, counts, KELVIN - 273.15)
    file = xsyg(tmp_path / "disc.xsyg", glow, record("OSL", 30 + seconds, decay.astype(float)))
    code, out, err = fit(file)
    assert code == 0
    assert "disc.xsyg, Disc/7, readout 1: TLD-100" in out
    assert "fast" in out
    assert "rate / (1/s)" in out
    assert "the light is taken to have come on with its first point" in err
    code, _, err = fit(file, "-o", tmp_path / "two.svg")
    assert (code, "A picture is of one glow curve" in err) == (1, True)


def test_what_holds_no_curve_is_said(fit: Callable[..., Ran], tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("not a curve\n" * 20)
    assert "no reader file that is known here, and no two columns" in fit(words)[2]
    flat = columns(tmp_path / "flat.csv", np.full(KELVIN.size, 3.0))
    code, out, err = fit(flat, "--json")
    assert code == 1
    assert json.loads(out)["peaks"] == []
    assert "The signal is the same at every point" in err
    broken = xsyg(tmp_path / "broken.xsyg", "<Record></Record>")
    assert "holds no curve that can be fitted" in fit(broken)[2]


def test_other_commands_do_not_pay_for_it() -> None:
    """NumPy, SciPy and matplotlib take a second to import."""
    said = "import sys, acquire.cli.main; print([m for m in ('numpy', 'scipy', 'matplotlib') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
