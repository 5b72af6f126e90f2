"""`acquire verify`: the report of a harmless trial, of an instrument that behaves and of one that does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from command_line import acquire

from acquire.instruments.trial import Trial, is_good
from drivers import connect
from drivers.registry import model
from drivers.trace import Trace
from simulators import serve


async def trial(name: str, *, faults: tuple[str, ...] = (), seconds: float = 0.5) -> dict[str, object]:
    served = await serve(name, "tcp:127.0.0.1:0", seed=3, faults=faults, speed=20.0)
    try:
        trace = Trace(keep=1000)
        device = connect(model(name), served.resource, {"poll_interval_s": 0.02, "timeout_s": 5}, trace=trace)
        return await Trial(device, trace).run(seconds, zero=True)
    finally:
        await served.close()


async def test_the_report_tells_who_answered_what_was_read_and_every_byte() -> None:
    report = await trial("keithley-6517b")
    assert is_good(report)
    assert [step["step"] for step in report["steps"]] == ["identify and set up", "command zero", "readings for 0.5 s"]  # type: ignore[attr-defined]
    assert report["instrument"]["model"] == "6517B"  # type: ignore[index]
    wire = report["wire"]
    assert isinstance(wire, list)
    assert any(each["what"] == "sent" and "*IDN?" in each.get("text", "") for each in wire)
    assert any(each["what"] == "received" and "6517B" in each.get("text", "") for each in wire)
    assert [each["s"] for each in wire] == sorted(each["s"] for each in wire)
    assert "127.0.0.1" not in json.dumps(report), "where it is connected is nobody's business"


async def test_another_instrument_on_the_port_is_a_step_that_failed() -> None:
    served = await serve("keithley-6514", "tcp:127.0.0.1:0", seed=3)
    trace = Trace()
    device = connect(model("keithley-6517b"), served.resource, {"timeout_s": 5}, trace=trace)
    report = await Trial(device, trace).run(0.1, zero=True)
    await served.close()
    (step,) = report["steps"]
    assert "a 6514 answers" in step["failed"] or "6514" in step["failed"]
    assert (report["readings"]["taken"], is_good(report)) == (0, False)
    assert report["wire"], "what it said is in the report all the same"


async def test_the_command_writes_the_report_once_and_says_where(tmp_path: Path) -> None:
    served = await serve("keithley-6517b", "tcp:127.0.0.1:0", seed=3, speed=20.0)
    place = tmp_path / "report.json"
    words = ["verify", "keithley-6517b", served.resource, "--seconds", "0.3", "-o", str(place)]
    done = await asyncio.to_thread(acquire, *words)
    again = await asyncio.to_thread(acquire, *words)
    await served.close()
    assert (done.returncode, "0 unparsed, 0 time-outs." in done.stdout) == (0, True), done.stderr
    assert f"The report is {place};" in " ".join(done.stdout.split("\n"))
    assert json.loads(place.read_bytes())["report"] == "acquire trial/1"
    assert (again.returncode, "already; it is left as it is (--force" in again.stderr) == (1, True)


def test_a_readers_files_have_no_wire(tmp_path: Path) -> None:
    done = acquire("verify", "winrems", f"dir:{tmp_path}", "-o", str(tmp_path / "r.json"))
    assert done.returncode == 2
    assert "there is no wire to try" in done.stderr
