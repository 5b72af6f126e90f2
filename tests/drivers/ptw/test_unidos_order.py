"""What MV replies of a UNIDOS say together."""

from __future__ import annotations

from drivers.ptw.unidos_order import InOrder
from drivers.ptw.unidos_words import Measured, parse_measured


def mv(integral: str, rate: str = "46.22", time: str = "1000.0", state: str = "MEAS", prefix: str = "n") -> Measured:
    exponent = {"n": "E-9", "p": "E-12"}[prefix]
    line = f"MV;{state};{integral};{exponent};{prefix};C;{rate};E-12;p;A;;{time};ms;300;V;0x0"
    return parse_measured(line.encode())


def test_as_many_decimals_with_a_prefix_in_a_range_as_before() -> None:
    order = InOrder()
    assert order.flaw(mv("12.3456"), "LOW") is None
    assert order.flaw(mv("12.4", time="1250.0"), "HIGH") is None, "another range resolves another step"
    assert order.flaw(mv("123.4", time="1500.0", prefix="p"), "LOW") is None, "another prefix moves the point"
    assert order.flaw(mv("0.0", time="1750.0"), "LOW") is None, "a zero may be written shorter"
    wrong = order.flaw(mv("123.456", time="2000.0"), "LOW")
    assert wrong == "MV gives the integral with 3 decimals; it had 4 in this range with this prefix"
    assert order.flaw(mv("12.3456", rate="462.2", time="2250.0"), "LOW") is not None
    assert order.flaw(mv("12.3456", rate="462.2", time="2500.0"), "LOW") is None, "what is remembered is the newest"


def test_one_moment_has_one_integral() -> None:
    order = InOrder()
    assert order.flaw(mv("12.3456"), "LOW") is None
    assert order.flaw(mv("12.3456"), "LOW") is None, "the unit has nothing new yet"
    wrong = order.flaw(mv("12.9456"), "LOW")
    assert wrong == "MV gives 1.29456e-08 C at 1 s, where it gave 1.23456e-08 C before"
    assert order.flaw(mv("13.0000", time="1250.0"), "LOW") is None
    assert order.flaw(mv("0.0", time="1250.0", state="RES"), "LOW") is None
    assert order.flaw(mv("1.0000", time="1250.0", state="RES"), "LOW") is None, "only while it runs"
