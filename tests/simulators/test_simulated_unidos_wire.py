"""The simulated UNIDOS: published replies byte for byte, write permission, states, refusals."""

from __future__ import annotations

import json

import pytest
from wire_talk import advance, converse

from simulators.clock import SteppedClock
from simulators.ptw_unidos.instrument import PtwUnidosRomeo, PtwUnidosTango, UnidosOptions
from simulators.ptw_unidos.text import quantity


class Client:
    """One session, request by request."""

    def __init__(self, instrument: PtwUnidosTango) -> None:
        self.instrument = instrument
        self.session = instrument.open_session()

    async def ask(self, text: str) -> str:
        reply = await self.session.answer(text.encode())
        assert reply is not None
        assert reply.data.endswith(b"\r\n")
        return reply.data.decode().removesuffix("\r\n")


def tango(**options: object) -> PtwUnidosTango:
    return PtwUnidosTango(SteppedClock(), 1, UnidosOptions.named(options))


async def test_identification_is_the_published_reply() -> None:
    assert await converse(tango(), [b"PTW\r\nSER\r\nTFI\r\n"]) == (
        b"PTW;UNIDOS Tango;TM10052;1.2.4;A16\r\nSER;123456\r\nTFI;-\r\n"
    )
    assert (await converse(PtwUnidosRomeo(SteppedClock(), 1), [b"PTW\r\n"])).startswith(b"PTW;UNIDOS Romeo;")


async def test_value_reply_at_rest_is_the_published_one() -> None:
    assert await converse(tango(), [b"MV\r\n"]) == b"MV;RES;0.0;E-12;p;C;0.0;E-12;p;A;;0.0;ms;200;V;0x0\r\n"


@pytest.mark.parametrize(
    ("value", "step", "padded", "text"),
    [
        (2.6e-3, 1e-4, False, "2.6;E-3;m;Gy"),
        (5.6e-9, 1e-10, True, "5.6;E-09;n;Gy"),
        (1.65e-6, 1e-8, True, "1.65;E-06;µ;Gy"),
    ],
)
def test_quantity_fields_are_the_published_ones(value: float, step: float, padded: bool, text: str) -> None:
    assert quantity(value, step, "Gy", padded=padded) == text


async def test_without_permission_every_change_is_refused() -> None:
    client = Client(tango())
    assert [await client.ask(word) for word in ("STA", "RGE;LOW", "NUL")] == ["E;20"] * 3
    assert await client.ask("RGE") == "RGE;MEDIUM"
    assert [await client.ask(word) for word in ("TOK;1", "TOK", "TOK;1", "STA")] == [
        "TOK;1;false",
        "TOK;true",
        "TOK;1;true",
        "STA",
    ]


async def test_permission_belongs_to_one_client_and_ends_with_it() -> None:
    instrument = tango()
    first, second = Client(instrument), Client(instrument)
    assert await first.ask("TOK") == "TOK;true"
    assert await second.ask("TOK") == "TOK;false"
    first.session.close()
    assert await second.ask("TOK") == "TOK;true"


async def test_measured_charge_is_the_exposed_charge_and_hold_keeps_it() -> None:
    client = Client(tango())
    await client.ask("TOK")
    await client.ask("STA")
    client.instrument.detector.expose(2.5e-9, 1.0)
    advance(client.instrument, 3.0)
    assert await client.ask("HLD") == "HLD"
    held = (await client.ask("MV")).split(";")
    assert held[1] == "HOLD"
    assert float(held[2] + held[3]) == pytest.approx(2.5e-9)
    assert held[4:6] == ["n", "C"]
    assert len(held) == 16


async def test_zeroing_lasts_82_s_and_takes_the_leakage_off() -> None:
    client = Client(tango(leakage_a=1e-12))
    await client.ask("TOK")
    assert await client.ask("NUL") == "NUL"
    assert await client.ask("S") == "S;ZERO"
    status = (await client.ask("NUS")).split(";")
    assert 81000 < int(status[2]) < 82000
    assert await client.ask("STA") == "E;03"
    advance(client.instrument, 82.0)
    assert [await client.ask("NUS"), await client.ask("S")] == ["NUS;Passed;0;82000", "S;RES"]
    await client.ask("STA")
    advance(client.instrument, 100.0)
    fields = (await client.ask("MV")).split(";")
    assert float(fields[2] + fields[3]) == pytest.approx(0.0, abs=1e-11)


async def test_interval_ends_by_itself_and_enters_the_history() -> None:
    client = Client(tango())
    await client.ask("TOK")
    assert await client.ask("IT;5") == "IT;5"
    assert [await client.ask("INT"), await client.ask("S")] == ["INT", "S;INT"]
    advance(client.instrument, 6.0)
    assert await client.ask("S") == "S;INTHLD"
    history = json.loads((await client.ask("RHR")).removeprefix("RHR;").replace(";", ","))
    assert set(history[0]) == {"date", "detector", "dose", "flags", "id", "kTotal"}
    assert [await client.ask("CHR"), await client.ask("RHR")] == ["CHR", "RHR;[]"]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [("XYZ", "E;01"), ("HV;401", "E;08"), ("RGE;low", "E;08"), ("RGE;", "E;18"), ("PTW;1", "E;17"), ("RDR", "E;19"),
     ("RDR;none", "E;21"), ("HV;-1", "HV;-1"), ("S;" + "1" * 300, "E;16")],
)  # fmt: skip
async def test_refusals_have_their_codes(request_: str, answer: str) -> None:
    client = Client(tango())
    await client.ask("TOK")
    assert await client.ask(request_) == answer


@pytest.mark.parametrize("word", ["RDA", "REC", "RAC", "RMR", "RIR", "RSR"])
async def test_json_reads_come_back_whole_when_semicolons_become_commas(word: str) -> None:
    text = (await Client(tango()).ask(word)).removeprefix(word + ";")
    assert "," not in text
    assert json.loads(text.replace(";", ","))


async def owner(**options: object) -> Client:
    """A client with write permission."""
    client = Client(tango(**options))
    assert await client.ask("TOK") == "TOK;true"
    return client


async def test_a_running_interval_is_begun_anew_with_the_time_set_meanwhile() -> None:
    client = await owner()
    assert [await client.ask(word) for word in ("IT;2", "INT")] == ["IT;2", "INT"]
    advance(client.instrument, 1.0)
    assert [await client.ask(word) for word in ("IT;10", "S", "INT", "IT")] == ["IT;10", "S;INT", "INT", "IT;10"]
    advance(client.instrument, 9.0)
    assert await client.ask("S") == "S;INT"
    advance(client.instrument, 1.0)
    assert await client.ask("S") == "S;INTHLD"
    assert json.loads((await client.ask("RHR")).removeprefix("RHR;").replace(";", ","))[0]["id"] == 1


async def test_setting_the_interval_time_changes_no_running_interval() -> None:
    client = await owner()
    assert [await client.ask(word) for word in ("IT;2", "INT", "IT;100")] == ["IT;2", "INT", "IT;100"]
    advance(client.instrument, 2.0)
    assert await client.ask("S") == "S;INTHLD"


@pytest.mark.parametrize(
    ("setup", "word", "answer"),
    [("other-hv", "HV;200", "HV;300"), ("other-range", "RGE;LOW", "RGE;HIGH"), ("plain", "HV;-200", "HV;-200")],
)
async def test_a_named_set_up_reads_back_another_value_than_was_set(setup: str, word: str, answer: str) -> None:
    client = await owner(setup=setup)
    assert await client.ask(word) == answer
    assert await client.ask(word.partition(";")[0]) == answer


async def test_the_voltage_that_was_not_obeyed_is_the_one_measured_with() -> None:
    client = await owner(setup="other-hv", hv_reads=150)
    await client.ask("HV;200")
    assert (await client.ask("MV")).split(";")[13] == "150"


async def test_progress_still_reads_as_the_last_run_for_a_moment() -> None:
    client = await owner(setup="slow-progress")
    for action, asked in (("NUL", "NUS"), ("AST", "ASS")):
        await client.ask(action)
        assert (await client.ask(asked)).startswith(f"{asked};Passed;0;")
        advance(client.instrument, 0.5)
        assert (await client.ask(asked)).startswith(f"{asked};Running;")
        await client.ask("RES")


async def test_the_permission_is_taken_away_in_mid_run_and_may_be_had_again() -> None:
    client = await owner()
    await client.ask("STA")
    client.instrument.set_state("token", False)
    assert [await client.ask(word) for word in ("TOK;1", "HLD", "TOK")] == ["TOK;1;false", "E;20", "TOK;false"]
    client.instrument.set_state("token", True)
    assert [await client.ask(word) for word in ("TOK", "HLD")] == ["TOK;true", "HLD"]


async def test_flags_and_a_literal_reply_come_by_the_back_door() -> None:
    client = await owner()
    client.instrument.set_state("flags", "0x804")
    assert (await client.ask("MV")).endswith(";0x804")
    literal = "MV;MEAS;1.0;E+9;n;C;0.0;E-12;p;A;;0.0;ms;200;V;0x0"
    client.instrument.set_state("force_reply", literal)
    assert [await client.ask("S"), await client.ask("MV")] == ["S;RES", literal]
    assert (await client.ask("MV")).startswith("MV;RES;0.0;E-12;")


@pytest.mark.parametrize(
    ("options", "wanted"), [({"setup": "odd"}, "slow-progress"), ({"range_reads": "TOP"}, "VERY_LOW")]
)
def test_set_ups_that_do_not_exist_are_told(options: dict[str, object], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        tango(**options)
