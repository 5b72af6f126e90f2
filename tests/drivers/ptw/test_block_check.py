"""The MULTIDOS's block check: published check values of the algorithms, and how one is found out."""

from __future__ import annotations

import pytest

from drivers import Garbled
from drivers.ptw.block_check import ALGORITHMS, BlockCheck

DATA = b"123456789"  # the check input of the catalogue of CRC algorithms
KNOWN = {"byte-sum": 477, "crc-16-arc": 0xBB3D, "crc-16-ccitt-false": 0x29B1, "crc-16-xmodem": 0x31C3}


def frame(n: int, name: str) -> bytes:
    data = b"D0;frame %d;" % n
    return data + b"%05d" % ALGORITHMS[name](data)


@pytest.mark.parametrize("name", KNOWN)
def test_check_values(name: str) -> None:
    assert ALGORITHMS[name](DATA) == KNOWN[name]


@pytest.mark.parametrize("name", KNOWN)
def test_it_is_found_out_from_three_different_frames_and_then_holds(name: str) -> None:
    check = BlockCheck("find-out")
    for n in (1, 1, 1, 2):
        assert check.checked(frame(n, name)) == frame(n, name)[:-5]
    assert check.in_force is None, "three times the same says nothing new"
    check.checked(frame(3, name))
    assert check.in_force == name
    with pytest.raises(Garbled, match=rf"block check \({name}\) of the telegram is wrong"):
        check.checked(frame(4, name).replace(b"frame", b"fraMe"))


def test_a_damaged_frame_meanwhile_only_delays_it() -> None:
    check = BlockCheck("find-out")
    for n in (1, 2):
        check.checked(frame(n, "byte-sum"))
    check.checked(b"D0;frame 3;00000")
    for n in (4, 5):
        check.checked(frame(n, "byte-sum"))
    assert check.in_force is None
    check.checked(frame(6, "byte-sum"))
    assert check.in_force == "byte-sum"


def test_an_algorithm_that_is_none_of_these_leaves_frames_unchecked() -> None:
    check = BlockCheck("find-out")
    for n in range(100):
        check.checked(b"D0;%d;%05d" % (n, 7 * n))
    assert check.in_force is None


def test_one_that_was_chosen_holds_from_the_first_frame_and_none_never() -> None:
    with pytest.raises(Garbled):
        BlockCheck("crc-16-arc").checked(frame(1, "byte-sum"))
    assert BlockCheck("crc-16-arc").checked(frame(1, "crc-16-arc")) == b"D0;frame 1;"
    assert BlockCheck("none").checked(b"D0;00000") == b"D0;"


@pytest.mark.parametrize("line", [b"D0;", b"D0;1234", b"D0;1234x", b"D0;70000", b"D0; 1234"])
def test_without_five_digits_it_is_no_telegram(line: bytes) -> None:
    with pytest.raises(Garbled, match="five digits"):
        BlockCheck("none").checked(line)
