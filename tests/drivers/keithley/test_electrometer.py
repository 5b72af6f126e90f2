"""The SCPI electrometers against a device of the tests' own that keeps settings and an error queue."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from scripted import Device, played

from drivers import Declined, Flag, Garbled, LinkDown, Misuse, Model, ReplyTimeout, WrongInstrument
from drivers.keithley import (
    KEITHLEY_6430,
    KEITHLEY_6485,
    KEITHLEY_6487,
    KEITHLEY_6514,
    KEITHLEY_6517A,
    KEITHLEY_6517B,
)  # fmt: skip

pytestmark = pytest.mark.virtual_time

IDN = "KEITHLEY INSTRUMENTS INC.,MODEL {},4096271,A13/700X"
FRESH = ":SENS:DATA:FRES?"
LINES = {
    "6485": b"+1.040564E-06A,+%.6E,+0.000000E+00",
    "6487": b"+1.040564E-06A,+%.6E,+0.000000E+00,+123.4500",
    "6514": b"+7.334216E-09,+%.6E,+0.000000E+00",
    "6430": b"+1.000206E+00,+1.000000E-04,+9.910000E+37,+%.6E,+0.000000E+00",
}
NEVER = re.compile(r"\*RST|SYST:PRES|^:OUTP|^:SOUR|STAT:PRES|CONF|MEAS")


class Electrometer:
    """Keeps what is set; `refuse` are errors by the beginning of a command, `stuck` answers by header."""

    def __init__(self, model: str) -> None:
        self.idn = IDN.format(model)
        self.model = model
        self.number = 0
        self.errors: list[str] = []
        self.event_status = "0"
        self.refuse: dict[str, str] = {}
        self.stuck: dict[str, str] = {":OUTP:STAT": "0", ":SOUR:VOLT": "0", ":SOUR:VOLT:STAT": "0", ":OUTP": "0"}
        self.set: dict[str, str] = {}

    def __call__(self, line: str) -> bytes | None:
        if line == "*IDN?":
            return self.idn.encode()
        if line == "*ESR?":
            status, self.event_status = self.event_status, "0"
            return status.encode()
        if line == ":SYST:ERR?":
            return (self.errors.pop(0) if self.errors else '0,"No Error"').encode()
        if line in (FRESH, ":READ?"):
            return self.reading()
        if line.startswith(":") and line.endswith("?"):
            return ";".join(self.answer(each.removesuffix("?")) for each in line.split(";")).encode()
        self.errors += [said for begin, said in self.refuse.items() if line.startswith(begin)]
        if line == "*CLS":
            self.errors.clear()
        header, _, value = line.partition(" ")
        self.set[header] = value
        return None

    def answer(self, header: str) -> str:
        value = self.stuck.get(header) or self.set.get(header, "0")
        return {"INF": "+9.9e37", "IMM": "IMMediate", "'CHAR'": '"CHARge"', "'CURR'": '"CURR:DC"'}.get(value, value)

    def reading(self) -> bytes:
        self.number += 1
        n = self.number
        if self.model.startswith("6517"):
            return b"+%08.4fE-09NCOUL,+%014.6fsecs,+%05dRDNG#" % (n, n / 10, n)
        return LINES[self.model] % n


@asynccontextmanager
async def electrometer(model: Model = KEITHLEY_6517B, **more: Any) -> AsyncIterator[tuple[Any, Device, Electrometer]]:
    answers = Electrometer(model.answers)
    async with played(model, answers, **more) as (instrument, device):
        device.heard.clear()
        yield instrument, device, answers


def believed(readings: Any) -> list[Any]:
    return [each for each in readings if each.kind != "unparsed"]


OF_THE_LINES = {"6430": 1e-3, "6517A": 2e-7, "6517B": 2e-7}  # full scale of the range that the lines here are of
MODELS = [KEITHLEY_6430, KEITHLEY_6485, KEITHLEY_6487, KEITHLEY_6514, KEITHLEY_6517A, KEITHLEY_6517B]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
async def test_every_model_sets_what_can_change_a_reading_and_nothing_that_can_do_harm(model: Model) -> None:
    full_scale = OF_THE_LINES.get(model.answers, 2e-6)
    async with electrometer(model, opened=False, nplc=2.0, range_si=full_scale) as (instrument, device, answers):
        identity = await instrument.open()
        assert (identity.vendor, identity.model, identity.serial) == ("Keithley", model.answers, "4096271")
        sent = device.heard
        assert sent[:2] == ["*IDN?", "*CLS"]
        assert not [each for each in sent if NEVER.search(each) and "?" not in each]
        function = answers.set[":SENS:FUNC"].strip("'")
        for header, value in (("RANG:AUTO", "0"), ("RANG", f"{full_scale:g}"), ("NPLC", "2")):
            assert answers.set[f":SENS:{function}:{header}"] == value
        assert answers.set[":TRIG:SOUR"] == "IMM"
        assert answers.set[":ARM:SOUR"] == "IMM"
        assert sent.index(next(s for s in sent if s.startswith(":FORM:ELEM"))) > sent.index(f":SENS:FUNC '{function}'")
        in_force = instrument.settings_in_force
        assert in_force[f"SENS:{function}:RANG"] == full_scale
        (reading,) = believed(await instrument.take())
        too_early = (Flag.SETTLING,) if model.answers in ("6430", "6487") else ()  # its source is on: since when?
        assert (reading.quantity, reading.flags, reading.range) == (instrument.measures, too_early, f"{full_scale:g}")
        assert reading.value is not None


async def test_what_the_6517_is_set_to_in_order() -> None:
    async with electrometer(opened=False) as (instrument, device, answers):
        await instrument.open()
        sent = device.heard
        order = ["*IDN?", "*CLS", ":INIT:CONT 0", ":SYST:ZCH 1", ":SENS:FUNC 'CHAR'", ":SENS:CHAR:RANG:AUTO 1"]
        order += [
            ":SENS:CHAR:NPLC 1",
            ":FORM:ELEM READ,TST,STAT,UNIT,RNUM",
            ":SYST:ZCH 0",
            ":INIT:CONT 1",
            ":SYST:ERR?",
        ]
        places = [sent.index(each) for each in order]
        assert places == sorted(places)
        for header in ("SENS:CHAR:ADIS:STAT", "SENS:CHAR:AVER:STAT", "SENS:CHAR:MED:STAT", "CALC:STAT", "ARM:LAY2:DEL"):
            assert answers.set[f":{header}"] == "0", header
        assert (answers.set[":ARM:LAY2:SOUR"], answers.set[":TRIG:DEL"]) == ("IMM", "0")
        assert sent[-3].startswith(":SENS:FUNC?;:SENS:CHAR:RANG:AUTO?"), "read back in one message"
        assert sent[-2:] == [FRESH, FRESH], "two conversions may be older"
        assert instrument.settings_in_force["source on"] == 0.0
        assert instrument.settings_in_force["SENS:FUNC"] == "CHARge"


@pytest.mark.parametrize(("terminator", "end"), [("LF", b"\n"), ("CR", b"\r"), ("CRLF", b"\r\n")])
async def test_the_terminator_that_is_configured_is_sent(terminator: str, end: bytes) -> None:
    async with electrometer(terminator=terminator) as (instrument, _, _):
        sent = [c.data for c in instrument._link.trace.crossings if c.direction == "sent"]
        assert {each.lstrip(b"*:").lstrip(each.rstrip(b"\r\n").lstrip(b"*:")) or end for each in sent} == {end}
        assert all(each.endswith(end) and each[: -len(end)] == each.rstrip(b"\r\n") for each in sent)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\r\n\x11", b"\r\x00"])
async def test_any_line_end_and_control_bytes_are_understood(end: bytes) -> None:
    async with electrometer(opened=False) as (instrument, device, _):
        device.end = end
        await instrument.open()
        await instrument.take()
        assert [r.value for _ in range(2) for r in await instrument.take()] == [pytest.approx(n * 1e-9) for n in (4, 5)]


async def test_the_other_model_of_the_same_maker_is_refused() -> None:
    async with electrometer(KEITHLEY_6517A, opened=False) as (instrument, device, answers):
        answers.idn = IDN.format("6517B")
        with pytest.raises(WrongInstrument, match="6517A electrometer is configured on memory; a 6517B answers"):
            await instrument.open()
        assert set(device.heard) == {"*IDN?"}


# --- settings refused, and read back ---------------------------------------------------------------------------------


async def test_a_unit_that_does_not_know_a_leftover_has_no_such_state() -> None:
    async with electrometer(opened=False) as (instrument, device, answers):
        answers.refuse = {":ARM:LAY2:DEL": '-113,"Undefined header"', ":CALC:STAT": '-113,"Undefined header"'}
        await instrument.open()
        (asked,) = [each for each in device.heard if each.startswith(":SENS:FUNC?")]
        assert ":ARM:LAY2:DEL?" not in asked
        assert ":ARM:LAY2:SOUR?" in asked
        assert "CALC:STAT" not in instrument.settings_in_force


@pytest.mark.parametrize(
    ("refuse", "says"),
    [
        ({":SENS:CHAR:NPLC": '-113,"Unknown"'}, r"memory refused ':SENS:CHAR:NPLC 1' \(-113 Unknown\)\."),
        ({":ARM:COUN": '-222,"Out of range"'}, r"memory refused ':ARM:COUN INF' \(-222 Out of range\)\."),
        ({":TRIG:SO": '-113,"U"', ":TRIG:CO": '-222,"R"'}, r"':TRIG:SOUR IMM' \(-113 U\); ':TRIG:COUN INF' \(-222 R\)"),
    ],
)  # fmt: skip
async def test_a_refused_setting_is_named(refuse: dict[str, str], says: str) -> None:
    async with electrometer(opened=False) as (instrument, _, answers):
        answers.refuse = refuse
        with pytest.raises(Declined, match=says):
            await instrument.open()
        with pytest.raises(LinkDown):
            await instrument.take()


async def test_an_error_that_does_not_come_again_is_told_without_a_name() -> None:
    async with electrometer(opened=False) as (instrument, device, _):
        device.once[":SYST:ERR?"] = [b'-350,"Queue overflow"\n']
        with pytest.raises(Declined, match=r"memory refused 'one of several settings' \(-350 Queue overflow\)"):
            await instrument.open()


FAULTY = r"memory did not receive whole what was sent \(\+{} RS-232 overrun\): check baud rate, data bits, parity"


@pytest.mark.parametrize("number", [800, 802, 808])
async def test_line_faults_are_named_as_such(number: int) -> None:
    async with electrometer(opened=False) as (instrument, device, _):
        device.once[":SYST:ERR?"] = [b'%d,"RS-232 overrun"\n' % number]
        with pytest.raises(LinkDown, match=FAULTY.format(number)):
            await instrument.open()


async def test_a_line_fault_while_the_refused_setting_is_looked_for_is_named_too() -> None:
    async with electrometer(opened=False) as (instrument, device, _):
        device.once[":SYST:ERR?"] = [b'-222,"x"\n', b'0,""\n', b'801,"RS-232 overrun"\n']
        with pytest.raises(LinkDown, match=FAULTY.format(801)):
            await instrument.open()


@pytest.mark.parametrize("number", [799, 809])
async def test_their_neighbours_are_refusals(number: int) -> None:
    async with electrometer(opened=False) as (instrument, _, answers):
        answers.refuse = {":SENS:CHAR:NPLC": f'{number},"x"'}
        with pytest.raises(Declined, match=rf"':SENS:CHAR:NPLC 1' \({number} x\)"):
            await instrument.open()


@pytest.mark.parametrize(
    ("header", "answer", "says"),
    [
        (":SENS:CHAR:RANG", "2e-06", "memory says 2e-06 to :SENS:CHAR:RANG; 2e-08 was set"),
        (":SENS:FUNC", '"VOLT:DC"', "says \"VOLT:DC\" to :SENS:FUNC; 'CHAR' was set"),
        (":TRIG:SOUR", "BUS", "says BUS to :TRIG:SOUR; IMM was set"),
        (":SENS:CHAR:AVER:STAT", "1", "says 1 to :SENS:CHAR:AVER:STAT; False was set"),
    ],
)
async def test_a_read_back_that_differs_from_what_was_set_is_refused(header: str, answer: str, says: str) -> None:
    async with electrometer(opened=False, range_si=2e-8) as (instrument, _, answers):
        answers.stuck[header] = answer
        with pytest.raises(Declined, match=says):
            await instrument.open()


@pytest.mark.parametrize("reply", [b"0;1\n", b"\r\n", b"READY\n"])
async def test_where_read_back_is_not_answered_nothing_is_shown_and_readings_flow(reply: bytes) -> None:
    async with electrometer(opened=False, timeout_s=0.02) as (instrument, device, answers):
        device.answer = lambda line: reply.strip() or None if line.startswith(":SENS:FUNC?") else answers(line)
        await instrument.open()
        assert instrument.settings_in_force == {}
        (reading,) = believed(await instrument.take())
        assert (reading.flags, reading.range) == ((), None)


# --- readings --------------------------------------------------------------------------------------------------------


async def test_the_range_in_force_stands_in_the_reading_not_the_one_configured() -> None:
    async with electrometer(range_si=2e-9) as (instrument, _, answers):
        assert [r.range for r in believed(await instrument.take())] == ["2e-09"]
        answers.stuck[":SENS:CHAR:RANG"] = "2.1e-09"
        await instrument.run_command("zero-check", {"on": False})
        assert [r.range for r in believed(await instrument.take())] == ["2.1e-09"]
    async with electrometer() as (instrument, _, _):
        assert [r.range for r in believed(await instrument.take())] == ["auto"]


async def test_further_elements_stand_beside_the_reading() -> None:
    async with electrometer() as (instrument, device, _):
        await instrument.take()
        line = b"+01.01103E-09NCOUL,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc,00EXT"
        device.once[FRESH] = [line + b"\n"]
        (got,) = await instrument.take()
        assert (got.value, got.clock, got.raw) == (1.01103e-9, "2015-03-26T09:00:20", line)
        assert (got.also["source-voltage"].value, got.also["reading-number"].value) == (1.0, 1945.0)
        assert got.note == "further elements: 00EXT"


async def test_another_function_than_was_set_is_flagged() -> None:
    async with electrometer() as (instrument, device, _):
        await instrument.take()
        device.once[FRESH] = [b"+01.01103E+00NVDC,+0000009.000000secs,+00090RDNG#\n"]
        (got,) = await instrument.take()
        assert (got.quantity, got.unit, got.value, got.flags) == ("voltage", "V", 1.01103, (Flag.CHANGED_BY_HAND,))
        assert got.note == "voltage came where charge was set"


@pytest.mark.parametrize("age", [1, 3, 16])
async def test_a_duplicate_of_an_earlier_reply_is_no_reading(age: int) -> None:
    async with electrometer() as (instrument, device, _):
        lines = [(await instrument.take())[-1].raw for _ in range(17)]
        device.once[FRESH] = [lines[-age] + b"\n"]
        (twice,) = await instrument.take()
        assert (twice.kind, twice.raw) == ("unparsed", lines[-age])
        assert twice.note == "A reading that has come before, time stamp and all."
        with pytest.raises(ReplyTimeout):
            await instrument.take()
        await instrument.recover()
        assert [r.flags for r in await instrument.take()] == [()], "an old reading is no restart"


async def test_a_restart_is_noticed_by_clock_and_number_and_the_instrument_opened_anew() -> None:
    async with electrometer() as (instrument, _, answers):
        answers.number = 100
        await instrument.take()
        answers.number = 40
        (got,) = await instrument.take()
        assert (got.value, got.flags) == (pytest.approx(41e-9), (Flag.CHANGED_BY_HAND,))
        assert got.note == "restarted: its clock went from 10.1 s to 4.1 s"
        with pytest.raises(LinkDown, match=r"memory restarted \(its clock .* to 4.1 s\): its settings are gone"):
            await instrument.take()
        await instrument.open()
        assert [r.flags for r in believed(await instrument.take())] == [()]


async def test_a_clock_that_was_set_back_by_hand_is_no_restart_while_readings_are_counted_on() -> None:
    async with electrometer() as (instrument, device, _):
        await instrument.take()
        device.once[FRESH] = [b"+001.0000E-09NCOUL,+0000000.000001secs,+00900RDNG#\n"]
        assert [r.flags for r in await instrument.take()] == [()]


@pytest.mark.parametrize(("last", "flags"), [(99990.0, ()), (99000.0, (Flag.CHANGED_BY_HAND,))])
async def test_a_clock_that_wraps_is_no_restart(last: float, flags: tuple[Flag, ...]) -> None:
    async with electrometer(KEITHLEY_6514) as (instrument, _, answers):
        answers.number = int(last) - 1
        await instrument.take()
        answers.number = 0
        assert [r.flags for r in await instrument.take()] == [flags]


async def test_power_that_went_during_a_time_out_is_told_by_the_power_on_bit() -> None:
    async with electrometer() as (instrument, _, answers):
        answers.event_status = "128"
        with pytest.raises(LinkDown, match="memory was switched off and on: its settings are gone"):
            await instrument.recover()
        answers.event_status, answers.errors = "127", ['-410,"Query INTERRUPTED"']
        await instrument.recover()
        assert answers.errors == [], "no later setting is blamed for it"


async def test_an_instrument_that_gives_no_reading_is_asked_why() -> None:
    async with electrometer(KEITHLEY_6430) as (instrument, device, answers):
        answers.errors = ['-420,"Query UNTERMINATED"', '803,"Not permitted with OUTPUT off"']
        with pytest.raises(LinkDown, match=r"memory gives no reading: \+803 Not permitted with OUTPUT off\."):
            await instrument.recover()
        await asyncio.sleep(0)
        assert device.heard[-1] == "*CLS"


async def test_an_error_queue_that_never_empties_ends() -> None:
    async with electrometer() as (instrument, device, answers):
        device.answer = lambda line: b'-350,"Queue overflow"' if line == ":SYST:ERR?" else answers(line)
        outcome = await instrument.run_command("errors", {})
        assert outcome.result == {"errors": ["-350 Queue overflow"] * 12}


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "sent", "result"),
    [
        ("zero", {}, [":SYST:ZCH 1", ":SYST:ZCH 0"], {"function": "charge"}),
        ("reset-charge", {}, [":SYST:ZCH 1", ":SYST:ZCH 0"], {"function": "charge"}),
        ("zero-check", {"on": True}, [":SYST:ZCH 1"], {"on": True}),
        ("zero-correct", {"on": True}, [":SYST:ZCOR 1"], {"on": True}),
        ("range", {"range_si": 2e-8}, [":SENS:CHAR:RANG:AUTO 0", ":SENS:CHAR:RANG 2e-08"], {"range_si": 2e-8}),
        ("range", {"range_si": None}, [":SENS:CHAR:RANG:AUTO 1"], {"range_si": None}),
        ("relative", {"on": True}, [":SENS:CHAR:REF:ACQ", ":SENS:CHAR:REF:STAT 1"], {"on": True}),
        ("relative", {"on": False}, [":SENS:CHAR:REF:STAT 0"], {"on": False}),
    ],
)
async def test_commands_send_ask_for_errors_read_back_and_set_aside(
    name: str, parameters: dict[str, Any], sent: list[str], result: dict[str, Any]
) -> None:
    async with electrometer() as (instrument, device, _):
        outcome = await instrument.run_command(name, parameters)
        assert outcome.result == result
        assert device.heard[: len(sent) + 1] == [*sent, ":SYST:ERR?"]
        assert device.heard[len(sent) + 1].startswith(":SENS:FUNC?;")
        assert device.heard[len(sent) + 2 :] == [FRESH, FRESH]
        assert [r.kind for r in outcome.readings] == ["unparsed"] * 4, "two of set-up, two of the command"


async def test_errors_is_passive_and_gives_the_queue() -> None:
    async with electrometer() as (instrument, device, answers):
        answers.errors = ['-350,"Queue overflow"', '+313,"x"']
        outcome = await instrument.run_command("errors", {})
        assert outcome.result == {"errors": ["-350 Queue overflow", "313 x"]}
        assert device.heard == [":SYST:ERR?"] * 3
        assert [s.name for s in instrument.commands().values() if s.passive] == ["errors"]
        assert [s.name for s in instrument.commands().values() if s.while_measuring] == ["errors"]


async def test_commands_that_are_refused_or_misused() -> None:
    async with electrometer() as (instrument, _, answers):
        answers.refuse = {":SENS:CHAR:RANG ": '-222,"Parameter data out of range"'}
        with pytest.raises(Declined, match=r"memory refused ':SENS:CHAR:RANG 1' \(-222 Parameter data out of range\)"):
            await instrument.run_command("range", {"range_si": 1.0})
        answers.refuse = {":SYST:ZCH 1": '-222,"x"'}
        with pytest.raises(Declined, match=r"memory refused ':SYST:ZCH 1' \(-222 x\)"):
            await instrument.run_command("zero-check", {"on": True})
        answers.refuse = {}
        assert (await instrument.run_command("function", {"function": "current"})).result == {"function": "current"}
        assert answers.set[":SENS:FUNC"] == "'CURR'"
        assert (instrument.measures, instrument.integrates) == ("current", "none")
        assert answers.set[":SENS:CURR:RANG:AUTO"] == "1"
        with pytest.raises(Misuse, match="reset-charge needs the function charge; memory measures current"):
            await instrument.run_command("reset-charge", {})
        assert (await instrument.run_command("zero", {})).result == {"function": "current"}
        assert answers.set[":SYST:ZCOR"] == "1"


async def test_a_range_or_function_that_is_refused_leaves_the_instrument_as_it_was() -> None:
    async with electrometer() as (instrument, _, answers):
        answers.refuse = {":SENS:CHAR:RANG ": '-222,"Parameter data out of range"'}
        with pytest.raises(Declined, match="refused ':SENS:CHAR:RANG 1'"):
            await instrument.run_command("range", {"range_si": 1.0})
        assert answers.set[":SENS:CHAR:RANG:AUTO"] == "1"
        answers.refuse = {":SENS:CURR:NPLC": '-222,"x"'}
        with pytest.raises(Declined, match="refused ':SENS:CURR:NPLC 1'"):
            await instrument.run_command("function", {"function": "current"})
        assert (instrument.measures, answers.set[":SENS:FUNC"]) == ("charge", "'CHAR'")
        assert (await instrument.run_command("zero", {})).result == {"function": "charge"}


async def test_set_up_anew_takes_back_what_was_changed_by_hand() -> None:
    async with electrometer(range_si=2e-8) as (instrument, _, answers):
        answers.set[":SENS:CHAR:RANG"] = "2e-06"
        outcome = await instrument.run_command("set-up", {})
        assert outcome.result == {"function": "charge", "range_si": 2e-8}
        assert answers.set[":SENS:CHAR:RANG"] == "2e-08"


async def test_the_6517_gives_what_it_holds_before_a_marker_and_the_6514_is_read_once_more() -> None:
    async with electrometer() as (instrument, _, _):
        assert [r.value for r in believed(await instrument.flush())] == [pytest.approx(3e-9)]
    async with electrometer(KEITHLEY_6514) as (instrument, _, _):
        assert len(believed(await instrument.flush())) == 1


async def test_device_clear_is_answered_with_dcl_and_is_not_for_gpib() -> None:
    async with electrometer() as (instrument, device, answers):
        device.answer = lambda line: answers(line.removeprefix("\x03"))
        device._part = b""

        async def clears(wire: Any, read: Any) -> bytes:
            data: bytes = await read()
            if data == b"\x03":
                await wire.write(b"DCL\r\n")
                return b""
            return data

        read = device.wire.read_some
        device.wire.read_some = lambda: clears(device.wire, read)  # type: ignore[method-assign]
        with pytest.raises(ReplyTimeout):
            await instrument.run_command("device-clear", {})  # what is read now was asked for before
        with pytest.raises(LinkDown, match="device-clear was cut short"):
            await instrument.recover()
        await instrument.open()
        assert (await instrument.run_command("device-clear", {})).result == {"answer": "DCL"}
    for name in ("GPIB0::27::INSTR", "USB0::1::2::3::INSTR", "prologix:COM3:27"):
        async with electrometer(resource=name) as (instrument, device, _):
            with pytest.raises(Misuse, match=f"serial line; {name} is none"):
                await instrument.run_command("device-clear", {})
            assert device.heard == []


async def test_an_error_reply_that_is_none_is_garbled_and_leaves_a_doubt() -> None:
    async with electrometer() as (instrument, _, answers):
        answers.errors = ["what?"]
        with pytest.raises(Garbled, match="no error entry") as caught:
            await instrument.run_command("errors", {})
        assert caught.value.raw == b"what?"
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()
