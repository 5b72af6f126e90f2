"""The simulated UNIDOS: published replies byte for byte, write permission, states, refusals."""

from __future__ import annotations

import json

import pytest
from wire_talk import converse

from simulators.clock import SteppedClock
from simulators.ptw_unidos.instrument import Options, PtwUnidosRomeo, PtwUnidosTango
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
    return PtwUnidosTango(SteppedClock(), 1, Options(**options))  # type: ignore[arg-type]  # options by name


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
    client.instrument.clock.advance(3.0)  # type: ignore[attr-defined]  # a SteppedClock
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
    client.instrument.clock.advance(82.0)  # type: ignore[attr-defined]  # a SteppedClock
    assert [await client.ask("NUS"), await client.ask("S")] == ["NUS;Passed;0;82000", "S;RES"]
    await client.ask("STA")
    client.instrument.clock.advance(100.0)  # type: ignore[attr-defined]  # a SteppedClock
    fields = (await client.ask("MV")).split(";")
    assert float(fields[2] + fields[3]) == pytest.approx(0.0, abs=1e-11)


async def test_interval_ends_by_itself_and_enters_the_history() -> None:
    client = Client(tango())
    await client.ask("TOK")
    assert await client.ask("IT;5") == "IT;5"
    assert [await client.ask("INT"), await client.ask("S")] == ["INT", "S;INT"]
    client.instrument.clock.advance(6.0)  # type: ignore[attr-defined]  # a SteppedClock
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
