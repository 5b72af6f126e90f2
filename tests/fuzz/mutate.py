"""Damaged inputs for parsers: seeded, so that a finding can be made again, and knowing what hurts the formats at hand.

A mutation takes bytes and gives bytes. Some know only bytes (flip, cut, splice, duplicate), others put in what a
parser of text, XML, JSON or TOML has been seen to stumble over.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

NUMBERS = (
    b"NaN", b"nan", b"-inf", b"Infinity", b"1e999", b"-1e999", b"1e-999", b"0", b"-0", b"-1", b"9" * 5000, b"9" * 400,
    b"1_000", b"6_412_00", b"0x1F", b"0b1", b"1.", b".5", b"1,5", b"+5", b"1e5", b"9223372036854775808",
    b"18446744073709551616", b"-9223372036854775809", b"2026105", b"00000000", b"99999999", b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59-23:59", b"20260231", b"1e308", b"5e-324", b"1" + b"0" * 309,
    "\u0661\u0662\u0663".encode(), "\uff11\uff12".encode(), "\u00b2".encode(), "\u0967".encode(),
)  # fmt: skip
TEXTS = (
    b"", b" ", b"\x00", b"\x1b[2J", b"\x07", b"\x1a", b"\x85", b"\xa0", b"\xff", b"\xc3", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\\ud800", b"\\u0000", b"&#xD800;", b"&#0;", b"&x;", b"%s%n",
    b"../../etc",
    "\u202e".encode(), "\u200b".encode(), "\u2028".encode(), "\u2066".encode(), "\U000e0041".encode(),
    "\U0001f600".encode(), b'"', b"'", b"<", b">", b"]]>", b"{", b"}", b"[", b"]", b",", b";", b"\r", b"\n", b"\r\n",
    b"A" * 3000, b"null", b"true", b"[]", b"{}", b'""', b"[" * 600 + b"]" * 600,
)  # fmt: skip
BOMBS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">',
    b'<?xml version="1.0" encoding="utf-7"?>', b'<?xml version="1.0" encoding="no-such"?>',
    b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.0" encoding="idna"?>',
    b'<?xml version="1.0" encoding="cp037"?>', b'<?xml version="1.0" encoding="shift_jis"?>',
    b'<?xml version="1.0" encoding="hex"?>', b'<?xml version="1.0" encoding="undefined"?>',
    b'<?xml version="1.1"?>', b"<![CDATA[" + b"<" * 50 + b"]]>", b"<!-- -- -->", b"<?pi ?>", b"<a>" * 3000,
    b"<Record>" * 40, b"</Record>", b"<Curve>", b"</Curve>", b"<Sample>", b"</Sample></Sample>", b"<x:Record/>",
)  # fmt: skip
CODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "latin-1", "cp1252", "cp037", "utf-7")
_DIGITS = re.compile(rb"[0-9][0-9.eE+-]*")
_WORDS = re.compile(rb"[A-Za-z_][A-Za-z0-9_-]*")
_QUOTED = re.compile(rb'"[^"\n]*"')
LARGEST = 400_000


def _at(r: random.Random, data: bytes) -> int:
    return r.randrange(len(data) + 1)


def _flip(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    found = bytearray(data)
    for _ in range(r.choice((1, 1, 1, 2, 8))):
        if found:
            found[r.randrange(len(found))] ^= 1 << r.randrange(8)
    return bytes(found)


def _cut(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    a, b = sorted((_at(r, data), _at(r, data)))
    return r.choice((data[:a], data[a:], data[:a] + data[b:], data[:a] + data[a + 1 :]))


def _splice(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = r.choice(others)
    return data[: _at(r, data)] + other[_at(r, other) :]


def _duplicate(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    a, b = sorted((_at(r, data), _at(r, data)))
    piece = data[a : min(b, a + 20_000)]
    return data[:b] + piece * r.choice((1, 1, 2, 5)) + data[b:]


def _swap(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    a, b, c = sorted(_at(r, data) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _put(texts: Sequence[bytes]) -> Mutation:
    def put(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
        at = _at(r, data)
        return data[:at] + r.choice(texts) + data[at:]

    return put


def _instead(pattern: re.Pattern[bytes], texts: Sequence[bytes]) -> Mutation:
    def instead(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
        found = list(pattern.finditer(data))
        if not found:
            return data
        chosen, text = r.choice(found), r.choice(texts)
        if pattern is _QUOTED:
            text = b'"' + text + b'"'
        return data[: chosen.start()] + text + data[chosen.end() :]

    return instead


def _first(texts: Sequence[bytes]) -> Mutation:
    return lambda r, data, others: r.choice(texts) + data


def _digit(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    places = [m.start() for m in re.finditer(rb"[0-9]", data)]
    if not places:
        return data
    at = r.choice(places)
    return data[:at] + str(r.randrange(10)).encode() + data[at + 1 :]


def _recode(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return data.decode("utf-8", "replace").encode(r.choice(CODINGS), "replace")


def _zero(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _at(r, data)
    return data[:at] + b"\0" * r.choice((1, 7, 4096)) + data[at:]


def _nest(r: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    opening, closing = r.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"), (b"a.", b"")))
    depth, at = r.choice((3, 50, 900, 20_000)), _at(r, data)
    return data[:at] + opening * depth + closing * r.choice((depth, 0)) + data[at:]


BYTES: tuple[Mutation, ...] = (_flip, _flip, _cut, _splice, _duplicate, _swap, _zero, _recode)
TEXT: tuple[Mutation, ...] = (
    _put(NUMBERS), _put(TEXTS), _instead(_DIGITS, NUMBERS), _instead(_DIGITS, TEXTS), _instead(_WORDS, TEXTS),
    _instead(_QUOTED, TEXTS), _instead(_QUOTED, NUMBERS), _digit,
)  # fmt: skip
NESTED: tuple[Mutation, ...] = (_nest,)
XML: tuple[Mutation, ...] = (_put(BOMBS), _first(BOMBS))
LINE: tuple[Mutation, ...] = (
    _flip,
    _flip,
    _flip,
    _digit,
    _digit,
    _cut,
    _splice,
    _duplicate,
    _swap,
    _put(NUMBERS),
    _put(TEXTS),
)


def mutated(r: random.Random, seeds: Sequence[bytes], mutations: Sequence[Mutation]) -> bytes:
    """One of the seeds after one mutation or a few."""
    data = r.choice(seeds)
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        data = r.choice(mutations)(r, data, seeds)[:LARGEST]
    return data
