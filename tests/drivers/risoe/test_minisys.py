"""A Risø reader before its simulator: sequences in order, progress, curves, and what ends a sequence."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from pydantic import ValidationError
from reader_bench import HEAT, START, TL, Bench, on_a_reader

from drivers import Declined, Flag, Misuse, Outcome, Reading, ReplyTimeout, connect
from drivers.registry import model
from drivers.risoe import RISOE_DA_20
from simulators import serve


def test_a_glow_curve_is_one_reading_when_its_counts_have_come() -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started()
        found = await b.takes()
        await b.it.take()
        assert b.reader.received == ["PS 3", "LU", TL, "LD"]
        assert not b.reader.lifted
        assert list(await b.it.take()) == []
        return found

    *progress, curve = on_a_reader(case)
    assert (curve.kind, curve.quantity, curve.unit, curve.element, curve.flags) == (
        "glow-curve", "counts", "{counts}", "A3", (),
    )  # fmt: skip
    signal, programmed = curve.axes["signal"].values, curve.axes["programmed-temperature"].values
    assert (len(signal), curve.value, curve.also["position"].value) == (199, sum(signal), 3)
    assert signal[150] > 20 * signal[0] > 0
    assert (programmed[0], programmed[-1]) == (pytest.approx(240 / 199), 240)
    assert curve.raw.split(b"\n") == [" ".join(f"{each:.0f}" for each in signal).encode(), b">"]
    assert curve.attributes == {"record": "TL", "program": "TL 240 5.00 199"}
    assert len(progress) >= 8, "49 s, told every 5 s and a little"


def test_progress_has_no_value_and_says_what_is_done_to_which_sample() -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        return await b.takes()

    *progress, _ = on_a_reader(case)
    assert all(each.value is None and each.flags == (Flag.INCOMPLETE,) and not each.axes for each in progress)
    assert {(each.element, each.also["position"].value) for each in progress} == {(None, 3)}, "no readout of a chip"
    sentence = r"position 3 \(A3\): heating to 240 Cel at 5\.00 Cel/s, [0-9]+ of 49 s; to read: 2"
    assert any(re.fullmatch(sentence, each.note or "") for each in progress)
    ramps = [each for each in progress if "heating" in (each.note or "")]
    elapsed = [each.also["elapsed"].value or 0 for each in ramps]
    assert elapsed == sorted(elapsed)
    assert {each.also["expected"].value for each in ramps} == {49}


def test_samples_are_read_in_order_each_cooled_before_its_lift() -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started(positions=[5, 2], elements=["A5", "A2"])
        found = [*await b.takes(), *await b.takes()]
        await b.it.take()
        assert b.reader.received == ["PS 5", "PA 30", "LU", TL, "LD", "PS 2", "PA 30", "LU", TL, "LD"]
        return [each for each in found if each.value is not None]

    assert [each.element for each in on_a_reader(case, cool_s=30)] == ["A5", "A2"]


def test_the_curves_of_one_ordered_sequence_are_of_one_run_and_those_of_the_next_of_another() -> None:
    async def case(b: Bench) -> list[Reading]:
        found = []
        for positions in ([5, 2], [7]):
            await b.started(positions=positions, elements=[f"A{n}" for n in positions])
            for _ in positions:
                found += await b.takes()
            await b.it.take()
        return found

    found = on_a_reader(case)
    curves = [each for each in found if each.value is not None]
    assert [each.position for each in curves] == ["5", "2", "7"]
    assert curves[0].run == curves[1].run != curves[2].run
    assert None not in {each.run for each in curves}
    assert {each.run for each in found if each.value is None} == {None}, "progress is no record of a run"


def test_a_preheat_gives_one_curve_of_both_pieces() -> None:
    async def case(b: Bench) -> Reading:
        await b.started(end_c=252, points=250, preheat_c=250, preheat_s=60)
        curve = (await b.takes())[-1]
        await b.it.take()
        assert b.reader.received == ["PS 3", "LU", "TL 250 5.00 248 250", "PA 60", "TL 252 5.00 2 0", "LD"]
        return curve

    curve = on_a_reader(case)
    assert len(curve.axes["signal"].values) == 250
    assert curve.axes["programmed-temperature"].values[247:] == (250, 251, 252)
    assert curve.raw.count(b">") == 2
    assert curve.attributes["program"] == "TL 252 5.00 250 after 250 for 60 s"


def test_a_decay_curve_is_measured_as_the_log_has_it() -> None:
    async def case(b: Bench) -> tuple[Reading, list[str]]:
        await b.started()
        await b.takes()
        await b.it.take()
        b.reader.received.clear()
        given = {"positions": [1], "source": "blue", "seconds": 40.0, "points": 1000}
        await b.it.run_command("decay-curve", given)
        curve = (await b.takes())[-1]
        await b.it.take()
        return curve, list(b.reader.received)

    curve, sent = on_a_reader(case)
    assert sent == ["PS 1", "IR SET 90", "LU", "ST 125 5", "PA 10", "OS B 40.00 1000", "LD", "ST 0"]
    assert (curve.kind, len(curve.axes["signal"].values), curve.axes["time"].values[-1]) == ("curve", 1000, 40)
    assert curve.axes["signal"].values[0] > 5 * curve.axes["signal"].values[-1]
    assert curve.element is None


def test_nothing_moves_before_a_person_has_initialised_it() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        assert b.reader.received == ["ST 0"]
        assert list(await b.it.take()) == []
        with pytest.raises(Misuse, match="look at the reader, send lower where its sample is lifted, then initialise"):
            await b.it.run_command("glow-curve", {"positions": [1], **HEAT})
        await b.it.run_command("initialise", {})
        assert b.reader.received == ["ST 0", *START]

    on_a_reader(case)


def test_while_it_is_at_work_every_other_command_is_refused_and_the_line_left_alone() -> None:
    async def case(b: Bench) -> None:
        await b.started()
        await b.until_sent("TL")
        before = list(b.reader.received)
        for name, given in (("initialise", {}), ("lower", {}), ("nitrogen", {"valve": "open"}),
                            ("glow-curve", {"positions": [1], **HEAT})):  # fmt: skip
            with pytest.raises(Misuse, match=r"at work \(position 3 \(A3\): heating"):
                await b.it.run_command(name, given)
        assert b.reader.received == before
        assert (await b.takes())[-1].value is not None

    on_a_reader(case)


def test_a_session_that_could_not_begin_and_a_doubt_leave_it_to_a_person() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        await b.it.run_command("initialise", {})
        b.reader.refuses = "MODE"
        with pytest.raises(Declined, match="The reader refused MD 1: MODE"):
            await b.it.run_command("initialise", {})
        with pytest.raises(Misuse, match="is not known"):
            await b.it.run_command("glow-curve", {"positions": [1], **HEAT})
        await b.it.run_command("initialise", {})
        await b.socket.send(b"LID OPEN\r")
        with pytest.raises(ReplyTimeout, match="'LID OPEN' came unasked"):
            await b.it.take()
        await b.it.recover()
        with pytest.raises(Misuse, match="is not known"):
            await b.it.run_command("glow-curve", {"positions": [1], **HEAT})

    on_a_reader(case)


# --- the source -------------------------------------------------------------------------------------------------------


def test_irradiation_is_refused_unless_a_setting_allows_it() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        await b.it.run_command("initialise", {})
        before = list(b.reader.received)
        with pytest.raises(Misuse, match="is not allowed to irradiate"):
            await b.it.run_command("irradiate", {"position": 1, "seconds": 10})
        assert b.reader.received == before

    on_a_reader(case)


def test_where_it_is_allowed_a_sample_goes_under_the_source_for_its_time() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        await b.it.run_command("initialise", {})
        b.reader.received.clear()
        outcome: Outcome = await b.it.run_command("irradiate", {"position": 7, "seconds": 30})
        assert outcome.result == {"steps": 2, "longest_s": 51}
        begun = asyncio.get_running_loop().time()
        while await b.it.take():
            pass
        assert 50 <= asyncio.get_running_loop().time() - begun < 52
        assert b.reader.received == ["BP 7", "BI 30"]
        assert b.reader.chips[7].dose_mgy > 1000

    on_a_reader(case, irradiation=True)


def test_an_irradiation_that_ends_otherwise_says_that_the_source_may_be_open() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        await b.it.run_command("initialise", {})
        await b.it.run_command("irradiate", {"position": 7, "seconds": 30})
        await b.until_sent("BI")
        b.arm("hang@1")
        with pytest.raises(ReplyTimeout, match="Whether the source is shut is not known"):
            await b.take_many()

    on_a_reader(case, irradiation=True)


# --- cooling, framing, settings ------------------------------------------------------------------------------------


def test_with_a_temperature_query_a_sample_is_lifted_when_it_is_cool() -> None:
    async def case(b: Bench) -> list[Reading]:
        await b.started(positions=[3, 4], elements=["A3", "A4"])
        found = [*await b.takes(), *await b.takes()]
        second = b.reader.received[b.reader.received.index("PS 4") :]
        asked = second.index("LU") - 1
        assert second[1 : asked + 1] == ["RT"] * asked
        assert asked > 5
        return found

    found = on_a_reader(case, options={"temperature_query": "RT"}, temperature_query="RT")
    cooling = [each for each in found if "waiting for the sample to cool" in (each.note or "")]
    temperatures = [each.also["temperature"].value or 0 for each in cooling]
    assert temperatures == sorted(temperatures, reverse=True)
    assert min(temperatures) >= 60


def test_a_sample_that_does_not_cool_is_not_lifted() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        await b.it.run_command("initialise", {})
        b.reader.plate.ramp(0.0, 300.0, 10.0, hold=True)
        b.reader.received.clear()
        await b.it.run_command("glow-curve", {"positions": [3], **HEAT})
        found = await b.takes(lambda reading: reading.kind == "unparsed")
        assert "after 900 s, not below 60" in (found[-1].note or "")
        assert "LU" not in b.reader.received

    on_a_reader(case, options={"temperature_query": "RT"}, temperature_query="RT")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"terminator": "crlf", "echo": True}, {"terminator": "crlf", "echo": True}),
        ({"terminator": "lf", "ready": "OK", "refusal": "ERR"}, {"terminator": "lf", "ready": "OK", "refusal": "ERR"}),
    ],
)
def test_another_framing_is_a_setting(options: dict[str, Any], settings: dict[str, Any]) -> None:
    async def case(b: Bench) -> None:
        await b.started()
        assert len((await b.takes())[-1].axes["signal"].values) == 199
        b.reader.refuses = "LIFT"
        await b.takes(lambda reading: reading.kind == "unparsed" and ": LIFT." in (reading.note or ""))

    on_a_reader(case, options=options, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"ready": "?", "refusal": "??"},
        {"terminator": "tab"},
        {"progress_every_s": 26},
        {"ready": ""},
        {"cool_s": -1},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RISOE_DA_20.settings.model_validate(settings)


def test_other_settings_of_the_line_leave_its_rate() -> None:
    assert RISOE_DA_20.settings.model_validate({"serial": {"parity": "even"}}).serial.baud_rate == 115200  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "given",
    [
        {"positions": []}, {"positions": [0]}, {"positions": [49]}, {"positions": [1], "elements": ["a", "b"]},
        {"end_c": 701}, {"rate": 10.1}, {"points": 1}, {"points": 10_000}, {"preheat_c": 240},
        {"preheat_c": 239, "points": 2}, {"elements": ["a b"]},
    ],
)  # fmt: skip
async def test_parameters_that_cannot_be(given: dict[str, Any]) -> None:
    it = connect(RISOE_DA_20, "tcp:127.0.0.1:1", {})
    with pytest.raises(ValidationError):
        await it.run_command("glow-curve", {"positions": [1], **HEAT, **given})


def test_nitrogen_is_opened_and_closed() -> None:
    async def case(b: Bench) -> None:
        await b.it.open()
        assert (await b.it.run_command("nitrogen", {"valve": "open"})).result == {"valve": "open"}
        await b.it.run_command("nitrogen", {"valve": "close"})
        assert b.reader.received == ["ST 0", "NO", "NC"]

    on_a_reader(case)


async def test_over_tcp_with_the_simulator_accelerated() -> None:
    served = await serve("risoe-da-20", "tcp:127.0.0.1:0", speed=400)
    it = connect(model("risoe-da-20"), served.resource, {"cool_s": 0})
    try:
        await it.open()
        await it.run_command("initialise", {})
        await it.run_command("glow-curve", {"positions": [1], "end_c": 60, "rate": 10.0, "points": 9})
        (curve,) = await it.take()
        assert len(curve.axes["signal"].values) == 9
    finally:
        await it.close()
        await served.close()
