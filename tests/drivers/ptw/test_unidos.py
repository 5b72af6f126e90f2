"""The UNIDOS driver against a unit of the tests' own: token, echo, range in force, and words of an earlier run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from scripted import Device, played

from drivers import Declined, Flag, Garbled, LinkDown, ReplyTimeout, WrongInstrument
from drivers.ptw import PTW_UNIDOS_ROMEO, PTW_UNIDOS_TANGO, unidos_talk

pytestmark = pytest.mark.virtual_time

CHARGE = "MV;{state};{n}.0;E-12;p;C;0.5;E-12;p;A;;{n}00.0;ms;{hv};V;0x{flags}"
LIMITS = {"C": "1.65;E-06;µ;A;", "Gy": "1.65;E-06;µ;Gy;min"}
BACK = ["UEL", "RGE", "HV", "ASE", "MVM", "MVM"]
SETTINGS = {"UEL": "true", "RGE": "LOW", "HV": "300", "ASE": "false", "ASR": "false", "IT": "60"}


SETTLED = {"hv_settle_s": 0, "range_settle_s": 0}


class Unit:
    """Keeps settings; `odd` are replies by request, used instead; the n-th MV has n pC."""

    def __init__(self) -> None:
        self.name = "UNIDOS Tango"
        self.settings = dict(SETTINGS)
        self.token, self.gives_token = False, True
        self.odd: dict[str, str] = {}
        self.n, self.state, self.flags = 0, "RES", "0"
        self.progress: list[str] = []
        self.unit_line = CHARGE

    def __call__(self, line: str) -> bytes | None:
        if line in self.odd:
            return self.odd[line].encode()
        word, *values = line.split(";")
        answer = getattr(self, f"on_{word.lower()}", self.on_setting)(word, *values)
        return None if answer is None else answer.encode()

    def on_ptw(self, word: str) -> str:
        return f"PTW;{self.name};TM10052;1.2.4;A16"

    def on_ser(self, word: str) -> str:
        return "SER;123456"

    def on_tok(self, word: str, what: str = "") -> str:
        if what == "1":
            return f"TOK;1;{str(self.token).lower()}"
        self.token = self.gives_token and what == ""
        return "TOK;0;true" if what else "TOK;true"

    def on_mv(self, word: str) -> str:
        self.n += 1
        return self.unit_line.format(state=self.state, n=self.n, hv=self.settings["HV"], flags=self.flags)

    def on_mvm(self, word: str) -> str:
        return f"MVM;{self.settings['RGE']};{LIMITS['C' if self.settings['UEL'] == 'true' else 'Gy']}"

    def on_setting(self, word: str, value: str | None = None) -> str:
        if value is not None:
            if not self.token:
                return "E;20"
            self.settings[word] = value
        return f"{word};{self.settings[word]}"

    def acts(self, word: str) -> str:
        return word if self.token else "E;20"

    on_sta = on_hld = on_res = on_int = on_nul = on_ast = acts

    def on_nus(self, word: str) -> str:
        said = self.progress.pop(0) if len(self.progress) > 1 else self.progress[0]
        return f"{word};{said}"

    def on_ass(self, word: str) -> str:
        return f"{self.on_nus(word)};Low; 136.6;E-12;p;C;Med; 1.500;E-09;n;C"


@asynccontextmanager
async def tango(**more: Any) -> AsyncIterator[tuple[Any, Device, Unit]]:
    unit = Unit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unidos_talk, "PROGRESS_POLL_S", 0.001)
        patch.setattr(unidos_talk, "BEGINS_WITHIN_S", 0.005)
        async with played(more.pop("model", PTW_UNIDOS_TANGO), unit, **SETTLED | more) as (instrument, device):
            if more.get("opened", True):
                device.heard.clear()
            yield instrument, device, unit


async def test_set_up_takes_the_token_sends_what_is_configured_and_reads_it_back() -> None:
    async with tango(opened=False, range="HIGH", hv_v=-200) as (instrument, device, unit):
        unit.settings |= {"UEL": "false", "ASE": "true"}
        identity = await instrument.open()
        assert (identity.vendor, identity.model, identity.serial, identity.firmware) == (
            "PTW", "UNIDOS Tango TM10052", "123456", "1.2.4",
        )  # fmt: skip
        assert identity.raw == b"PTW;UNIDOS Tango;TM10052;1.2.4;A16"
        assert device.heard == [
            "PTW", "SER", "TOK", "TOK;1", "UEL", "UEL;true", "ASE", "ASE;false", "ASR", "RGE", "RGE;HIGH", "HV",
            "HV;-200", *BACK,
        ]  # fmt: skip
        assert instrument.settings_in_force == {
            "electrical": "true", "range": "HIGH", "hv_v": "-200", "autostart": "false", "full_scale_a": 1.65e-6,
        }  # fmt: skip
        assert (instrument.measures, instrument.integrates) == ("charge", "reset")
    assert device.heard[-1] == "TOK;0", "write permission is given back"


async def test_a_unit_that_knows_no_autostart_and_reads_nothing_back_gives_readings_without_a_range() -> None:
    async with tango(opened=False) as (instrument, device, _):
        unknown = {word: [b"E;01\r\n"] for word in ("ASE", "ASE;false", "ASR", "ASR;false")}
        device.once |= unknown | {"UEL": [b"UEL;true\r\n", b"UEL\r\n", b"UEL\r\n"]}
        await instrument.open()
        (reading,) = await instrument.take()
        assert (reading.value is not None, reading.range, dict(instrument.settings_in_force)) == (True, None, {})
        assert device.heard[-1] == "MV"
    async with tango(opened=False, autostart=True) as (instrument, device, _):
        device.once["ASE;true"] = [b"E;01\r\n"]
        with pytest.raises(Declined, match="refused ASE with error 01"):
            await instrument.open()


async def test_voltage_and_range_stay_as_they_are_unless_a_setting_names_them() -> None:
    async with tango(opened=False, electrical=False, autostart=True) as (instrument, device, unit):
        unit.settings |= {"ASR": "false"}
        await instrument.open()
        assert not [each for each in device.heard if each.startswith(("HV;", "RGE;"))]
        assert (unit.settings["UEL"], unit.settings["ASE"], unit.settings["ASR"]) == ("false", "true", "true")
        assert instrument.measures == "dose"


async def test_the_romeo_is_no_tango() -> None:
    async with tango(opened=False, model=PTW_UNIDOS_ROMEO) as (instrument, device, unit):
        with pytest.raises(WrongInstrument, match=r"UNIDOS Romeo .* a UNIDOS Tango TM"):
            await instrument.open()
        assert set(device.heard) == {"PTW", "SER"}
        unit.name = "UNIDOS Romeo"
        assert (await instrument.open()).model == "UNIDOS Romeo TM10052"


@pytest.mark.parametrize(
    ("request_", "reply", "says"),
    [
        ("HV;300", "HV;200", "memory says HV is 200; 300 was set"),
        ("RGE;HIGH", "RGE;LOW", "memory says RGE is LOW; HIGH was set"),
        ("UEL;true", "UEL;false", "memory says UEL is false; true was set"),
    ],
)
async def test_an_echo_that_differs_from_what_was_set_is_refused(request_: str, reply: str, says: str) -> None:
    async with tango(opened=False, hv_v=300, range="HIGH") as (instrument, _, unit):
        unit.settings |= {"HV": "100", "UEL": "false"}
        unit.odd[request_] = reply
        with pytest.raises(Declined, match=says) as caught:
            await instrument.open()
        assert caught.value.raw == reply.split(";")[1].encode()


@pytest.mark.parametrize(("word", "answer"), [("UEL", "false"), ("RGE", "LOW"), ("HV", "299"), ("ASE", "true")])
async def test_a_read_back_that_differs_is_refused_and_after_a_time_out_opens_anew(word: str, answer: str) -> None:
    async with tango(hv_v=300, range="HIGH") as (instrument, _, unit):
        unit.settings[word] = answer
        with pytest.raises(LinkDown, match=f"memory is not set any more as it was: memory says {word} is {answer}"):
            await instrument.recover()


async def test_a_voltage_written_with_decimals_is_the_one_that_was_set() -> None:
    async with tango(opened=False, hv_v=300) as (instrument, _, unit):
        unit.settings["HV"] = "300.0"
        await instrument.open()
        (reading,) = await instrument.take()
        assert reading.flags == ()


async def test_a_reading_states_the_range_in_force_and_what_is_not_as_it_was_set() -> None:
    async with tango(range="HIGH", hv_v=300) as (instrument, device, unit):
        (reading,) = await instrument.take()
        assert device.heard == ["MV", "RGE"]
        assert (reading.value, reading.quantity, reading.unit, reading.range, reading.mode) == (
            1e-12, "charge", "C", "HIGH", "RES",
        )  # fmt: skip
        assert (reading.elapsed_s, reading.flags, reading.note) == (0.1, (), None)
        assert reading.raw == b"MV;RES;1.0;E-12;p;C;0.5;E-12;p;A;;100.0;ms;300;V;0x0"
        assert {name: (also.value, also.unit) for name, also in reading.also.items()} == {
            "rate": (0.5e-12, "A"), "detector-voltage": (300.0, "V"),
        }  # fmt: skip
        unit.settings |= {"RGE": "LOW", "HV": "296"}
        (reading,) = await instrument.take()
        assert (reading.value, reading.range, reading.flags) == (2e-12, "LOW", (Flag.CHANGED_BY_HAND,))
        assert reading.note == "the range is LOW; HIGH was set; the detector's voltage is 296 V; 300 V was set"
        unit.settings |= {"RGE": "HIGH", "HV": "297"}
        assert [r.flags for r in await instrument.take()] == [()], "within a hundredth it has settled"


async def test_dose_where_charge_was_set_is_said() -> None:
    async with tango() as (instrument, _, unit):
        unit.unit_line = "MV;RES;2.6;E-3;m;Gy;5.6;E-09;n;Gy;min;3000.0;ms;300.0;V;0x10"
        (reading,) = await instrument.take()
        assert (reading.quantity, reading.unit, reading.value) == ("dose", "Gy", 2.6e-3)
        assert reading.flags == (Flag.LOW_SIGNAL, Flag.CHANGED_BY_HAND)
        assert reading.note == "flags 0x10; Gy came where C was set"
    async with tango(electrical=False) as (instrument, _, unit):
        unit.settings["UEL"] = "false"
        assert [r.note for r in await instrument.take()] == ["C came where Gy was set"]


@pytest.mark.parametrize(("flags", "flag"), [("1", Flag.OVERLOAD), ("4", Flag.HV_FAULT), ("8", Flag.HV_FAULT)])
async def test_a_flag_of_the_current_leaves_no_charge_beside_it(flags: str, flag: Flag) -> None:
    async with tango() as (instrument, _, unit):
        unit.flags = flags
        (reading,) = await instrument.take()
        assert (reading.value, reading.also["rate"].value, reading.flags) == (None, None, (flag,))
        assert reading.note == f"flags 0x{flags}"


async def test_one_unasked_line_never_puts_later_readings_one_request_behind() -> None:
    async with tango() as (instrument, device, unit):
        late: list[bytes] = []

        def behind(line: str) -> bytes | None:
            """After READY came unasked in the place of a reply, each request is answered with the reply before."""
            reply = unit(line) or b""
            if not late:
                return reply
            late.append(reply)
            return late.pop(0)

        device.answer = behind
        assert [r.value for r in await instrument.take()] == [1e-12]
        late.append(b"READY")
        (odd,) = await instrument.take()
        assert (odd.kind, odd.raw) == ("unparsed", b"READY")
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()
        with pytest.raises((WrongInstrument, ReplyTimeout)):
            await instrument.recover()
        late.clear()
        await instrument.recover()
        assert [r.value for r in await instrument.take()] == [unit.n * 1e-12]


async def test_a_refused_reading_keeps_all_that_was_heard() -> None:
    async with tango() as (instrument, _, unit):
        unit.odd["RGE"] = "E;21"
        (odd,) = await instrument.take()
        assert odd.raw.endswith(b"0x0\nE;21")
        assert odd.note == (
            "The UNIDOS refused RGE with error 21: a required parameter, for example the detector, was not found."
        )


# --- write permission ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "word"), [("start", {}, "STA"), ("range", {"range": "HIGH"}, "RGE;HIGH")]
)
async def test_a_lost_token_is_taken_again(name: str, parameters: dict[str, Any], word: str) -> None:
    async with tango() as (instrument, device, unit):
        unit.token = False
        await instrument.run_command(name, parameters)
        first = device.heard.index(word)
        assert device.heard[first : first + 4] == [word, "TOK", "TOK;1", word]


async def test_a_token_that_is_never_given_is_said() -> None:
    async with tango(opened=False) as (instrument, device, unit):
        unit.gives_token = False
        with pytest.raises(
            Declined, match=r"memory gives no write permission: close the lock on its screen \(viewer mode\)"
        ):
            await instrument.open()
        assert device.heard.count("TOK;1") == 10
    async with tango() as (instrument, _, unit):
        unit.odd["STA"] = "E;03"
        with pytest.raises(Declined, match="refused STA with error 03: not allowed at this moment"):
            await instrument.run_command("start", {})
        unit.odd["STA"] = "E;20"
        with pytest.raises(Declined, match="error 20"):
            await instrument.run_command("start", {})


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters", "sent", "result"),
    [
        ("start", {}, ["STA"], {}),
        ("hold", {}, ["HLD"], {}),
        ("reset", {}, ["RES"], {}),
        ("interval", {"seconds": 30}, ["IT;30", "INT"], {"seconds": 30}),
    ],
)
async def test_an_action_gives_the_values_as_they_stand_after_it(
    name: str, parameters: dict[str, Any], sent: list[str], result: dict[str, Any]
) -> None:
    async with tango() as (instrument, device, _):
        outcome = await instrument.run_command(name, parameters)
        assert device.heard == [*sent, "MV", "RGE", *BACK]
        assert outcome.result == result
        assert [(r.value, r.quantity, r.kind) for r in outcome.readings] == [(1e-12, "charge", "scalar")]
        assert [r.value for r in await instrument.take()] == [2e-12]


async def test_the_range_that_a_command_set_is_the_one_that_is_held_against_readings() -> None:
    async with tango(range="HIGH") as (instrument, _, unit):
        assert (await instrument.run_command("range", {"range": "LOW"})).result == {"range": "LOW"}
        assert [r.flags for r in await instrument.take()] == [()]
        unit.odd["RGE;MEDIUM"] = "RGE;LOW"
        with pytest.raises(Declined, match="says RGE is LOW; MEDIUM was set"):
            await instrument.run_command("range", {"range": "MEDIUM"})
        assert [r.flags for r in await instrument.take()] == [()], "it is still the one before"


@pytest.mark.parametrize(("name", "word", "progress"), [("zero", "NUL", "NUS"), ("self-test", "AST", "ASS")])
async def test_passed_of_the_last_run_is_waited_for_until_it_was_seen_to_run(
    name: str, word: str, progress: str
) -> None:
    async with tango() as (instrument, device, unit):
        unit.progress = ["Passed;0;82000", "Passed;0;82000", "Running;500;82000", "Running;1;82000", "Passed;0;82000"]
        outcome = await instrument.run_command(name, {})
        tested = {"charges_c": {"Low": pytest.approx(136.6e-12), "Med": pytest.approx(1.5e-9)}}
        assert outcome.result == {"status": "Passed", "total_s": 82.0} | (tested if name == "self-test" else {})
        assert device.heard[:6] == [word, *[progress] * 5]
        assert instrument.commands()[name].within_s == 200.0


async def test_a_zero_that_never_begins_never_ends_or_fails_is_said() -> None:
    async with tango() as (instrument, device, unit):
        unit.progress = ["Passed;0;82000"]
        says = "The UNIDOS took NUL and was never seen to run it; its 'Passed' is of an earlier run"
        with pytest.raises(Declined, match=says):
            await instrument.run_command("zero", {})
        assert device.heard.count("NUS") >= 50
        unit.progress = ["Running;5;10", "Failed;0;10"]
        with pytest.raises(Declined, match="The UNIDOS ended NUL with 'Failed'"):
            await instrument.run_command("zero", {})


async def test_a_zero_that_never_ends_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with tango() as (instrument, device, unit):
        slept = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal slept
            slept += seconds

        monkeypatch.setattr(unidos_talk, "PROGRESS_POLL_S", 0.25)
        monkeypatch.setattr(unidos_talk.asyncio, "sleep", sleep)
        driver = instrument._driver
        unit.progress = ["Running;82000;82000"]

        async def ask(query: bytes, parse: Any) -> Any:
            return parse(unit(query.decode().strip()))

        monkeypatch.setattr(driver.wire, "ask", ask)
        with pytest.raises(Declined, match="The UNIDOS has not finished NUL after 133 s"):
            await driver._run("NUL", "NUS")
        assert slept == pytest.approx(133, abs=0.5)
        assert device.heard == []


async def test_an_answer_to_another_word_is_garbled() -> None:
    async with tango() as (instrument, _, unit):
        unit.odd["STA"] = "HLD"
        with pytest.raises(Garbled, match="The reply to STA begins with 'HLD'"):
            await instrument.run_command("start", {})
        with pytest.raises(ReplyTimeout, match="drained"):
            await instrument.take()


async def test_standing_down_gives_the_token_back_and_says_nothing_where_it_cannot() -> None:
    async with tango() as (instrument, device, unit):
        unit.odd["TOK;0"] = "E;03"
        await instrument.close()
        assert device.heard[-1] == "TOK;0"
