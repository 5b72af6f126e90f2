"""How a serial line is set, and what no line can be set to."""

from __future__ import annotations

import termios
from pathlib import Path

import pytest
from pydantic import ValidationError
from wires import Instrument, on_a_line

from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

WRONG = [
    ({"baud_rate": 0}, "0 Bd is no rate of a serial line; allowed are 50 to 4000000"),
    ({"baud_rate": -9600}, "-9600 Bd is no rate"),
    ({"baud_rate": 4_000_001}, "4000001 Bd is no rate"),
    ({"baud_rate": "fast"}, "valid integer"),
    ({"baud_rate": 9600.5}, "valid integer"),
    ({"data_bits": 9}, "Input should be 7 or 8"),
    ({"parity": "mark"}, "Input should be 'none', 'even' or 'odd'"),
    ({"stop_bits": 3}, "Input should be 1 or 2"),
    ({"flow": "xonxoff"}, "Input should be 'none', 'xon-xoff' or 'rts-cts'"),
    ({"baudrate": 9600}, "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("settings", "sentence"), WRONG)
def test_a_wrong_setting_is_refused_with_what_is_allowed(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        SerialSettings.model_validate(settings)


@pytest.mark.parametrize("rate", [50, 19_200, 4_000_000])
def test_rates_that_lines_have_are_taken(rate: int) -> None:
    assert SerialSettings(baud_rate=rate).baud_rate == rate


async def test_serial_settings_reach_a_visa_line() -> None:
    settings = SerialSettings(baud_rate=19200, stop_bits=2, flow="xon-xoff")  # a pty has 8 bits, no parity
    with on_a_line(Instrument()) as (device, _):
        transport = open_transport(f"ASRL{device}::INSTR", settings)
        await transport.open()
        with Path(device).open("rb", buffering=0) as line:
            flow, _, control, _, _, speed, _ = termios.tcgetattr(line)
        assert speed == termios.B19200
        assert (bool(control & termios.CSTOPB), bool(flow & termios.IXON)) == (True, True)
        await transport.close()
