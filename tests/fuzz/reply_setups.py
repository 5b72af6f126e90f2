"""How each model is set up while its replies are mutated, and what its ranges reach then.

A limit is what the document says that a range reaches, with nothing added: the largest number of a quantity that may be
believed. A model that is registered and does not stand here fails the test of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Setup:
    """limits: by quantity, in its unit, what the range in force reaches; "also" quantities by their own names.

    A quantity without a limit is one whose protocol states none. options: of the simulator. signal_a: steady. asked:
    commands, with their parameters, of a reader that measures nothing by itself; again whenever it has nothing to do.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    signal_a: float = 3e-11
    asked: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def _keithley_6517() -> tuple[Setup, ...]:
    return (
        Setup({"function": "charge", "range_si": 2e-8}, {"charge": 2.1e-8}),  # 105 % of full scale
        Setup({"function": "current", "range_si": 2e-9, "buffer_points": 5}, {"current": 2.1e-9}),
        Setup(
            {"function": "charge", "temperature": True, "humidity": True},
            {"charge": 2.1e-6, "temperature": 150.0, "humidity": 100.0},
        ),
        Setup({"function": "voltage", "range_si": 20.0}, {"voltage": 21.0}),
    )


def _risoe(end_c: int, points: int) -> Setup:
    """The protocol states no largest count."""
    glow = {"positions": [1] * 20, "end_c": end_c, "rate": 10.0, "points": points}
    asked = (("lower", {}), ("initialise", {}), ("glow-curve", glow))
    return Setup({"cool_s": 0, "progress_every_s": 25}, asked=asked)


def _keithley_617() -> tuple[Setup, ...]:
    return (
        Setup({"function": "charge", "range_si": 2e-9}, {"charge": 2e-9}),
        Setup({"function": "current", "range_si": 2e-10}, {"current": 2e-10}),
        Setup({"function": "charge"}, {"charge": 2e-8}),
    )


def _unidos() -> tuple[Setup, ...]:
    return (
        Setup({"range": "LOW"}, {"rate": 2e-9}),  # an integral goes on for as long as it is not reset
        Setup({"range": "MEDIUM", "hv_v": 300, "autostart": False}, {"rate": 2e-7}),
        Setup({"access": "read"}),
    )


_CURRENT = Setup({"range_si": 2e-9}, {"current": 2.1e-9})
_OUTPUT_ON = {"leftover": ":OUTP 1"}  # what a person must have done: the driver never switches it on
SETUPS: Mapping[str, tuple[Setup, ...]] = {
    "keithley-6517a": _keithley_6517(),
    "keithley-6517b": _keithley_6517(),
    "keithley-6514": (
        Setup({"function": "charge", "range_si": 2e-8}, {"charge": 2.1e-8}),
        Setup({"function": "current", "range_si": 2e-9, "buffer_points": 5}, {"current": 2.1e-9}),
        Setup({"function": "charge"}, {"charge": 2.1e-5}),
    ),
    "keithley-6485": (
        _CURRENT,
        Setup({"range_si": 2e-9, "buffer_points": 5}, {"current": 2.1e-9}),
        Setup({}, {"current": 2.1e-2}),
    ),
    "keithley-6487": (
        _CURRENT,
        Setup({"range_si": 2e-9, "buffer_points": 5}, {"current": 2.1e-9}),
        Setup({"range_si": 2e-9, "source_v": 10.0, "source_settle_s": 1.0}, {"current": 2.1e-9}),
    ),
    "keithley-6430": (
        Setup({"range_si": 1e-9}, {"current": 1.055e-9}, _OUTPUT_ON),
        Setup({"range_si": 1e-9, "buffer_points": 5}, {"current": 1.055e-9}, _OUTPUT_ON),
        Setup({}, {"current": 0.1055}, _OUTPUT_ON),
    ),
    "keithley-617": _keithley_617(),
    "keithley-6512": _keithley_617(),
    "ptw-unidos-tango": _unidos(),
    "ptw-unidos-romeo": _unidos(),
    "ptw-unidos-classic": (
        Setup({"range": "low"}, {"charge": 20e-9}),
        Setup({"range": "medium"}, {"charge": 2000e-9}),
    ),
    "ptw-multidos": (Setup({"ranges": ["L", "H"]}), Setup({"rate": True}), Setup({"application": "multi"})),
    "ptw-diamentor": (Setup({"chambers": 2}), Setup({"unit": "Gy.cm2"})),
    "thorlabs-pm100": (
        Setup({"range_si": 5e-5}, {"power": 1.1 * 1.418e-4}),  # in force is the range that holds it: 50 uA at 0.353 A/W
        Setup({"function": "current", "range_si": 5e-6}, {"current": 1.1 * 5e-6}),
        Setup(),
    ),
    "fluke-4000m-plus": (
        Setup({}, {"tube-voltage": 200e3, "exposure": 1e6}, {"every_s": 0.05}),
    ),
    "panasonic-ud-716": (
        Setup({"base_unit": "mSv"}, {"dose-equivalent": 9.99}, {"endless": True, "every_s": 0.05}),
        Setup({"unit_number": "690"}, {"element-reading": 9990.0}, {"endless": True, "every_s": 0.05}),
    ),
    "risoe-da-20": (_risoe(40, 20), _risoe(60, 40)),
    "diode-electrometer-12": (Setup({"range": "LOW"}, {"charge": 5e-6}), Setup({"range": "HIGH"}, {"charge": 1e-5})),
    "mosfet-reader-5": (Setup({}, {"voltage": 25.0}),),
}  # fmt: skip
