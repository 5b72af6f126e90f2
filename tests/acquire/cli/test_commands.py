"""The contract of the command line: exit codes, data on stdout, talk on stderr, JSON keys."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ACQUIRE = Path(sys.executable).with_name("acquire")
CONFIG = Path(__file__).parents[3] / "config"


def acquire(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ACQUIRE), *arguments], capture_output=True, text=True, timeout=60, check=False)


def data(*arguments: str) -> Any:
    done = acquire(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["chek"], 2, "No such command 'chek'. Did you mean 'check'?"),
        (["check", "none.toml"], 2, "none.toml cannot be read: No such file or directory."),
        (["read", "keithley", "tcp:127.0.0.1:1"], 2, "There is no driver for 'keithley'. Did you mean keithley-"),
        (["read", "keithley-6517b", "nonsense"], 2, "'nonsense' is no resource that is known here; allowed are"),
        (["read", "keithley-6517b", "tcp:127.0.0.1:1"], 1, "Nothing can be reached at 127.0.0.1:1"),
        (["read", "keithley-6517b", "tcp:127.0.0.1:1", "--set", "nplc=no"], 2, "Setting nplc of keithley-6517b"),
        (["simulate", "keithley-6517b", "--listen", "nowhere"], 2, "nowhere"),
        (["simulate", "keithley", "--listen", "tcp:127.0.0.1:0"], 2, "keithley"),
        (["store", "verify"], 2, "Say which store: --config CONFIG"),
        (["store", "verify", "--store", "sqlite:///none.db"], 1, "there is no store at none.db"),
        (["results", "s-1", "--store", "mysql://x"], 1, "the store URL 'mysql://x' is not known"),
        (["tail", "--port", "1"], 1, "The broker cannot be had"),
        (["import", "none.asc"], 1, "No readout was found"),
        (["demo", "--broker", "none"], 2, "is not one of 'auto', 'mosquitto', 'embedded'"),
    ],
)
def test_what_goes_wrong_is_a_sentence_on_stderr_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = acquire(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_drivers_say_what_they_were_held_against() -> None:
    drivers = {each["model"]: each for each in data("drivers", "--json")}
    wanted = {"keithley-6517a", "keithley-6517b", "ptw-unidos-tango", "ptw-unidos-romeo", "winrems", "xsyg"}
    assert wanted <= set(drivers)
    for each in drivers.values():
        assert each["transports"]
        assert each["assumed"]
        assert all(v["against"] and v["what"] for v in each["verified"])


def test_check_explains(tmp_path: Path) -> None:
    found = data("check", str(CONFIG / "simulated.toml"), "--json")
    assert found["roles"] == ["acquisition host", "store worker"]
    assert all(each["simulated"] for each in found["instruments"])


def test_a_store_is_created_once_and_verified(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    made = data("store", "create", "--store", url, "--json")
    found = data("store", "verify", "--store", url, "--json")
    assert (found["entries"], found["problems"], found["says"]) == (0, [], "held against no anchor")
    assert data("store", "stats", "--store", url, "--json")["entries"] == {}
    again = acquire("store", "create", "--store", url)
    assert (again.returncode, made["store"] != "") == (1, True)
    assert "is left as it is" in again.stderr


def test_import_tells_what_a_file_holds_and_what_it_rejected(tmp_path: Path) -> None:
    line = (
        '"M6600", 1, 9, 0, 1, 1, 0, "3", "0", 0, " ", 20260601, 090215, 900000, "           ", " ", '
        '1.000E+0, 1.000, 0, 0.000E+0, 0.000, 80955, 0.000E+0, 0.000, 78584, 1.000E+0, 1.000, 0, "pC"\n'
    )
    (tmp_path / "export.asc").write_text(line + line[:60] + "\n" + line)
    found = data("import", str(tmp_path / "export.asc"), "--json")
    (file,) = found["files"]
    assert (file["format"], file["readouts"], file["rejected"]) == ("winrems", 4, 1)
    assert "fields where WinREMS writes 29" in file["reason"]
    assert found["readouts"][0] | {"file": ""} == {
        "file": "", "element": "900000.2", "kind": "scalar", "points": 1, "sum": 8.0955e-08, "unit": "C",
        "reader": "M6600 1",
    }  # fmt: skip


def test_import_says_in_words_what_a_record_holds_that_is_no_readout(tmp_path: Path) -> None:
    (tmp_path / "empty.xlum").write_text(
        '<?xml version="1.0"?><xlum formatVersion="1.0"><sample name="A"><sequence position="1">'
        '<record recordType="atmosphereExchange"></record></sequence></sample></xlum>'
    )
    done = acquire("import", str(tmp_path / "empty.xlum"))
    assert (done.returncode, done.stderr.strip()) == (1, "No readout was found in these files.")
    assert "empty.xlum, record 1: atmosphereExchange, no measured curve of counts." in done.stdout


async def test_simulate_says_where_it_is_and_read_talks_to_it() -> None:
    simulator = await asyncio.create_subprocess_exec(
        str(ACQUIRE), "simulate", "keithley-6517b", "--listen", "tcp:127.0.0.1:0", stdout=asyncio.subprocess.PIPE
    )
    assert simulator.stdout is not None
    try:
        first = json.loads(await asyncio.wait_for(simulator.stdout.readline(), 20))
        assert first["model"] == "keithley-6517b"
        assert first["resource"].startswith("TCPIP::127.0.0.1::")
        done = await asyncio.to_thread(
            acquire, "read", "keithley-6517b", first["resource"], "--count", "3", "--set", "nplc=0.1"
        )
    finally:
        simulator.terminate()
        assert await asyncio.wait_for(simulator.wait(), 10) == 0
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["seq"] for each in lines] == [1, 2, 3]
    assert all({"kind", "quantity", "value", "unit", "flags", "time", "raw"} <= set(each) for each in lines)
    assert lines[-1]["unit"] == "C"
    assert "serial 4096271" in done.stderr


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv=['acquire','--help']\nfrom acquire.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy','pyvisa','fhir','amqtt','serialx','jinja2') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"
