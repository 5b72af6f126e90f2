"""Instruments described by profiles in the running service, by commands alone: worked cases A and B, faulty files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port
from cases import diode, diode_point
from command_line import acquire_beside
from processes import Process, ask
from worked import GIVEN, Case, calibration, expected, factor, limits, part

from drivers.profile.models import __file__ as models

CONFIG = """
site = "clinic"
profiles = ["profiles"]
[broker]
mode = "mosquitto"
port = {port}
[spool]
path = "spool.db"
[store]
url = "sqlite:///store.db"
[[simulator]]
id = "sim-diodes"
model = "diode-electrometer-12"
listen = "tcp:127.0.0.1:0"
control = "tcp:127.0.0.1:{diodes}"
[[simulator]]
id = "sim-reader"
model = "mosfet-reader-5"
listen = "{reader_at}"
speed = {speed}
control = "tcp:127.0.0.1:{reader}"
[[instrument]]
id = "electrometer-1"
model = "diode-electrometer-12"
resource = "simulator:sim-diodes"
[[instrument]]
id = "reader-2"
model = "our-reader"
resource = "simulator:sim-reader"
settings = {{ drift_wait_s = 100, poll_interval_s = 0.2 }}
"""
# port: diode, channel, charge of each channel in nC, CF_SSD, CF_FS, expected in cGy. D-12 and D-14 lie exchanged.
PORTS: dict[str, tuple[str, str, dict[int, float], float, float, float]] = {
    "B1": ("D-11", "1", {1: 15.67, 2: 1.1, 3: 1.4}, 0.992, 1.004, 46.8),
    "B2": ("D-14", "3", {1: 0.9, 2: 16.95, 3: 2.31}, 0.991, 1.005, 51.5),
    "B7": ("D-12", "2", {1: 0.8, 2: 2.05, 3: 16.32}, 0.991, 1.004, 50.2),
}
CALIBRATED = {"D-11": (3.097, 0.25), "D-12": (3.186, 0.22), "D-14": (3.041, 0.28)}
BEAM_S = 0.5
SPEED = 40  # of the MOSFET reader, whose sensors drift for 100 s after a beam
DRIFT_S = 120 / SPEED


class Desk:
    """Commands of a person in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.doors = {"electrometer-1": free_port(), "reader-2": free_port()}
        (folder / "profiles").mkdir()
        own = (Path(models).parent / "mosfet-reader-5.toml").read_text()
        self.profile = folder / "profiles" / "our-reader.toml"
        self.profile.write_text(own.replace('name = "mosfet-reader-5"', 'name = "our-reader"'))
        (folder / "service.toml").write_text(
            CONFIG.format(
                port=free_port(), diodes=self.doors["electrometer-1"], reader=self.doors["reader-2"],
                reader_at=f"pty:{folder / 'reader'}", speed=SPEED,
            )
        )  # fmt: skip

    async def acquire(self, *words: str, code: int = 0) -> str:
        told = {"PATH": "/usr/sbin:/usr/bin:/bin", "ACQUIRE_CONFIG": "service.toml", "ACQUIRE_BY": "MD-1"}
        done = await acquire_beside(*words, cwd=self.folder, env=told)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback" not in said
        return said

    async def json(self, *words: str) -> Any:
        said = await self.acquire(*words, "--json")
        return json.loads(next(line for line in said.splitlines() if line.startswith(("{", "["))))

    async def state(self, instrument: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.json("command", instrument, "--list")
        return found

    async def measured(self, session: str, step: str, instrument: str, charges: dict[int, float]) -> None:
        await self.acquire("session", "step", session, step, "begin")
        await asyncio.sleep(BEAM_S)  # no beam is on at once: the first reading would have some of its charge
        for channel, nc in charges.items():
            value = {"channel": channel, "charge_c": nc * 1e-9, "duration_s": BEAM_S}
            door = f"tcp:127.0.0.1:{self.doors[instrument]}"
            assert (await ask(door, {"do": "set", "name": "expose", "value": value}))["ok"]
        await asyncio.sleep(2 * BEAM_S)  # the beam is on
        await self.acquire("session", "step", session, step, "end")

    async def started(self, case: Case) -> str:
        """Order, plan, session and time-out, from files."""
        order = (Path(__file__).parents[2] / "config" / "demo" / "order-A-1.json").read_text()
        (self.folder / "order.json").write_text(order.replace("ORD-A-1", f"ORD-{case.name}-1"))
        for name, body in (case.plan_file, case.inventory, case.calibration_file):
            (self.folder / name).write_bytes(body)
        files = ("--inventory", "inventory.toml", "--calibrations", "calibrations.toml")
        await self.acquire("order", "add", "order.json")
        await self.acquire("plan", "add", "plan.toml", *files)
        self.profile.write_text(self.profile.read_text() + "]")  # who runs it is asked, not the file
        session: str = (await self.json("session", "start", f"ORD-{case.name}-1", *files))["session"]
        self.profile.write_text(self.profile.read_text().removesuffix("]"))
        await self.acquire(
            "session", "time-out", session, "--read-by", "MD-1", "--confirmed-by", "RT-1", "--identifiers-agree"
        )
        return session

    async def results(self, session: str) -> dict[str, Any]:
        found = await self.json("results", session, "--calculate", "--by", "MP-1")
        return {each["point"]: each for each in found["results"]}

    async def closed(self, session: str) -> None:
        """Once the store has confirmed everything."""
        for _ in range(50):
            if not (await self.json("session", "status", session))["keeps_open"]:
                break
            await asyncio.sleep(0.1)
        await self.acquire("session", "close", session)


def case_a() -> Case:
    case = Case("A")
    case.instrument("electrometer-1", "diode-electrometer-12")
    case.instruments[-1]["serial"] = "0012345"
    for name, (n_cal, svwt) in CALIBRATED.items():
        diode(case, name, n_cal, svwt)
        case.detectors[-1]["channel"] = next(channel for of, channel, *_ in PORTS.values() if of == name)
    for port, (name, _, _, cf_ssd, cf_fs, dose) in PORTS.items():
        held = {"expected": expected(dose, 1.7), "limits": limits(7, 10)}
        diode_point(case, port, name, (cf_ssd, cf_fs, 1.0), 30.5, **held)
    return case


def case_b() -> Case:
    """The bladder alone; read within seconds, since nobody waits two minutes here."""
    case = Case("B")
    case.instrument("reader-2", "our-reader")
    case.instruments[-1]["serial"] = "0507"
    case.detector("MF-3", "mosfet", threshold_mv=6412.0, channel="3")
    sensor = {
        "cf": factor(0.970, "cGy/mV", 2.5), "limit_mv": factor(20_000, "mV"), "delay_min": factor(0.25, "min"),
        "delay_tolerance_min": factor(0.25, "min"),
    }  # fmt: skip
    case.calibrations.append(calibration("MF-3", "Ir-192", sensor))
    case.point(
        "bladder", "mosfet", "Ir-192", detector="MF-3", instrument="reader-2",
        factors={"cf_energy": factor(1.0, u=1.5), "cf_angle": factor(0.990, u=1.5)},
        uncertainty=[part("shift", 1.0), part("drift", 0.5)],
        expected=expected(305.0, GIVEN["B_uexp"]), limits=limits(20, 30),
    )  # fmt: skip
    for step, kind in (("before", "threshold"), ("dwell", "irradiate"), ("after", "threshold")):
        case.step(step, kind, "reader-2", point="bladder")
    return case


@asynccontextmanager
async def service(desk: Desk) -> AsyncIterator[Process]:
    running = Process(desk.folder, "service", "run", str(desk.folder / "service.toml"))
    await running.start()
    try:
        for name in desk.doors:
            await until_ready(desk, name, running)
        yield running
    finally:
        assert await running.stop() == 0, running.log()
    assert "Traceback" not in running.log()


async def until_ready(desk: Desk, name: str, running: Process) -> None:
    for _ in range(40):
        try:
            if (await desk.state(name))["state"] == "ready":
                return
        except (AssertionError, StopIteration):
            await asyncio.sleep(0.2)
    raise AssertionError(running.log())


@pytest.mark.slow
async def test_both_worked_cases_run_on_profiles_from_order_to_results(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with service(desk):
        await two_diodes_are_exchanged_and_bound(desk)
        await thresholds_are_read_by_the_instrument(desk)
        await an_edited_profile_holds_from_the_next_start(desk)
    said = await desk.acquire("store", "verify")
    assert "hold" in said


async def two_diodes_are_exchanged_and_bound(desk: Desk) -> None:
    session = await desk.started(case_a())
    for port, (_, _, charges, *_) in PORTS.items():
        await desk.acquire("session", "step", session, f"background-{port.lower()}", "run", "--seconds", "20")
        await desk.measured(session, port.lower(), "electrometer-1", charges)
    await desk.closed(session)
    found = await desk.results(session)
    assert "dose_gy" in found["B1"], json.dumps(found["B1"])
    assert 100 * found["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.15)
    assert found["B2"]["decision"] == found["B7"]["decision"] == "INVALID"
    assert "confirm the serials on the patient" in found["B2"]["why"][0]
    bind = ("session", "bind", session, "B2=D-12", "B7=D-14", "--reason", "serials read on the patient")
    assert "by one person and confirmed by another" in await desk.acquire(*bind, "--confirmed-by", "md-1", code=1)
    assert "D-12 lay at B2, D-14 lay at B7." in await desk.acquire(*bind, "--confirmed-by", "MP-1")
    found = await desk.results(session)
    assert (found["B2"]["detector"], found["B2"]["channel"]) == ("D-12", "2")
    assert 100 * found["B2"]["dose_gy"] == pytest.approx(52.80, abs=0.15)
    assert "was decided already" in await desk.acquire(*bind, "--confirmed-by", "MP-1", code=1)


async def thresholds_are_read_by_the_instrument(desk: Desk) -> None:
    session = await desk.started(case_b())
    for name in ("inventory.toml", "calibrations.toml"):
        (desk.folder / name).unlink()  # the session keeps what it read
    await desk.acquire("session", "step", session, "before", "run", "--seconds", "1")
    rise_nc = (GIVEN["B_v1"] - GIVEN["B_v0"]) / 10  # 10 mV/nC of the simulated sensors
    away = desk.profile.parent.rename(desk.folder / "elsewhere")
    await desk.measured(session, "dwell", "reader-2", {3: rise_nc})
    away.rename(desk.profile.parent)
    await asyncio.sleep(DRIFT_S)  # of the simulator's clock: two minutes
    await desk.acquire("session", "step", session, "after", "run", "--seconds", "1")
    await desk.closed(session)
    found = (await desk.results(session))["bladder"]
    assert 100 * found["dose_gy"] == pytest.approx(GIVEN["B_mdose"], rel=0.002)
    assert found["channel"] == "3"


async def an_edited_profile_holds_from_the_next_start(desk: Desk) -> None:
    """The service keeps what it read when it began; a command goes on, and says what is wrong in the file now."""
    right = desk.profile.read_text()
    (setting,) = [each for each in (await desk.state("reader-2"))["commands"] if each["name"] == "clear"]
    desk.profile.write_text(right.replace("Every channel is before its beam again", "Something else"))
    assert setting in (await desk.state("reader-2"))["commands"]
    desk.profile.write_text(right.replace("max = 600\n", ""))
    said = await desk.acquire("command", "reader-2", "--list")
    assert "reader-2 is ready" in said
    (warning,) = [each for each in said.splitlines() if each.startswith("Warning: ")]
    assert "profiles/our-reader.toml, line " in warning
    assert "setting.drift_wait_s" in warning
    assert "goes on with what it read" in warning
    assert "setting.drift_wait_s" in await desk.acquire("check", "service.toml", code=2)
    desk.profile.write_text(right)
    assert "Warning" not in await desk.acquire("command", "reader-2", "--list")


@pytest.mark.slow
async def test_a_broken_profile_is_refused_by_file_line_and_key_and_harms_none_beside_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    broken = desk.folder / "profiles" / "broken.toml"
    text = desk.profile.read_text().replace('"our-reader"', '"broken"')
    broken.write_text(text.replace('unit = "s"\ndefault', 'unit = "parsec"\ndefault'))
    line = broken.read_text().splitlines().index('unit = "parsec"') + 1
    said = await desk.acquire("run", "service.toml", code=2)
    wrong = [each for each in said.splitlines() if "broken.toml" in each]
    assert len(wrong) == 1, said
    assert f"broken.toml, line {line}, setting.drift_wait_s.unit: 'parsec' is no unit that is known here" in wrong[0]
    assert "our-reader.toml" not in said
    listed = await desk.json("drivers", "--profile", str(desk.profile))
    assert next(each for each in listed if each["model"] == "our-reader")["channels"] == ["1", "2", "3", "4", "5"]
    broken.unlink()
    async with service(desk):
        assert (await desk.state("reader-2"))["state"] == "ready"
