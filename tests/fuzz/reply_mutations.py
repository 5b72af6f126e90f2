"""What becomes of a reply on a bad line, or of a number in an instrument with a fault: one mutation or several.

Beside what lines do (a bit, a byte lost, doubled, put in, exchanged; a piece lost; another reply in its place or
glued to it) numbers change their form: what is no number in the protocol, or one far beyond it, must not become one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

_NUMBER = re.compile(rb"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
NUMBERS = (
    b"1e999", b"-1E+999", b"1e-999", b"nan", b"NaN", b"+inf", b"-Infinity", b"", b"-", b"+", b".", b"-.", b"1e",
    b"0x1F",    b"9.9E37", b"9.91E37", b"-9.9E37", b"1,5", b"1.2.3", b"--1", b"+-1", b"1_000", b"0" * 22 + b"1", b"-0",
    b"9" * 20, b"9" * 400, b"0." + b"0" * 400 + b"1", b"1 2", b"\xb2", "\u0663".encode(), "\uff11".encode(), b"\xa01",
    b"NULL", b"-----.-", b"1e+30", b"1E-30", b"65536", b"-1", b"256", b"4294967296",
)  # fmt: skip
ODD = (
    b"\x00", b"\x03", b"\x06", b"\x11", b"\x13", b"\x15", b"\x1b[2J", b"\x7f", b"\x80", b"\x85", b"\xa0", b"\xb5",
    b"\xff", b"\xe2\x80\xa8", b" ", b"\t", b"\r", b"\n", b"\r\n", b";", b",", b"#", b"*", b'"', b"?", b"E", b"ERR",
)  # fmt: skip


def _place(r: random.Random, data: bytes) -> int:
    return r.randrange(len(data)) if data else 0


def _bits(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    found = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 5))):
        if found:
            found[r.randrange(len(found))] ^= 1 << r.randrange(8)
    return bytes(found)


def _lost(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(r, data)
    return data[:at] + data[at + r.choice((1, 1, 1, 2, 4, 9)) :]


def _doubled(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(r, data)
    piece = data[at : at + r.choice((1, 1, 2, 6))]
    return data[:at] + piece * r.choice((2, 2, 3)) + data[at + len(piece) :]


def _inserted(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(r, data)
    return data[:at] + r.choice((*ODD, bytes([r.randrange(256)]))) + data[at:]


def _high_bit(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(r, data)
    return data[:at] + bytes([each | 0x80 for each in data[at : at + 1]]) + data[at + 1 :]


def _exchanged(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, far = _place(r, data), r.choice((1, 1, 2, 7))
    return data[:at] + data[at + far : at + 2 * far] + data[at : at + far] + data[at + 2 * far :]


def _cut(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(r, data)
    return r.choice((data[:at], data[at:], data[:at] + data[-2:]))


def _other(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return r.choice(others)


def _glued(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = r.choice(others)
    return r.choice((data + other, other + data, data.rstrip(b"\r\n") + other, data[: _place(r, data)] + other))


def _form(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A number in another form, or one that is none."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return _inserted(r, data, others)
    at = r.choice(found)
    number = at[0]
    forms = r.choice(NUMBERS), number.replace(b".", b","), number + b"0", number[:-1], b"-" + number, _scaled(r, number)
    return data[: at.start()] + r.choice(forms) + data[at.end() :]


def _scaled(r: random.Random, number: bytes) -> bytes:
    """The same number with another exponent, or its point elsewhere."""
    head, e, exponent = number.partition(b"E")
    if e:
        return head + e + b"%+03d" % (int(exponent) + r.choice((-12, -3, -1, 1, 3, 12, 30)))
    digits = number.replace(b".", b"")
    at = _place(r, digits)
    return digits[:at] + b"." + digits[at:]


def _digit(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    places = [n for n, each in enumerate(data) if 0x30 <= each <= 0x39]
    if not places:
        return _bits(r, data, others)
    at = r.choice(places)
    return data[:at] + b"%d" % r.randrange(10) + data[at + 1 :]


MUTATIONS: tuple[Mutation, ...] = (
    _bits, _bits, _lost, _doubled, _inserted, _high_bit, _exchanged, _cut, _other, _glued, _form, _form, _form, _digit,
)  # fmt: skip


def mutated(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A reply after one mutation or a few; `others`: replies that stood on the line before, itself among them."""
    for _ in range(r.choice((1, 1, 1, 1, 2, 3))):
        data = r.choice(MUTATIONS)(r, data, others)
    return data
