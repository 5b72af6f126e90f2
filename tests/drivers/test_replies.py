"""Reply shapes: where a reply ends, whatever the chunks and whatever stands between two lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Block, Checked, Exactly, Garbled, Line, Lines, Reply, Until

TEXT = st.binary(min_size=1, max_size=20).map(lambda b: b.translate(None, b"\r\n\x00\x11\x13") or b"x")
ENDS = [b"\r\n", b"\n", b"\r", b"\n\r", b"\r\x00", b"\r\n\x11", b"\x13\r\n"]


def every_prefix_is_none(shape: Reply, whole: bytes) -> None:
    for n in range(len(whole)):
        assert shape.find(whole[:n]) is None, whole[:n]


@given(st.lists(st.tuples(TEXT, st.sampled_from(ENDS)), min_size=1, max_size=6))
def test_lines_with_any_end_and_control_bytes_between_them_are_cut_alike(lines: list[tuple[bytes, bytes]]) -> None:
    buffer, got = b"".join(text + end for text, end in lines), []
    while (found := Line().find(buffer)) is not None:
        got.append(found[0])
        buffer = buffer[found[1] :]
    assert got == [text for text, _ in lines]


@pytest.mark.parametrize(
    ("buffer", "found"),
    [
        (b"", None), (b"\r\n", None), (b"half", None), (b"\x13\x11\x00", None),
        (b"one\r\ntwo\r\n", (b"one", 4)), (b"\none\n", (b"one", 5)), (b"X1\n", (b"X1", 3)),
        (b"\x11\x00on\x13e\n", (b"one", 7)),
    ],
)  # fmt: skip
def test_a_line(buffer: bytes, found: tuple[bytes, int] | None) -> None:
    assert Line().find(buffer) == found


@pytest.mark.parametrize(
    ("buffer", "found"),
    [
        (b"one\r", None), (b"one\r\ntwo", (b"one", 5)), (b"\r\n", (b"", 2)), (b"a\nb\r\n", (b"a\nb", 5)),
        (b"\x11a\x00\r\n", (b"a", 5)),
    ],
)  # fmt: skip
def test_a_line_with_an_end_of_its_own(buffer: bytes, found: tuple[bytes, int] | None) -> None:
    assert Line(b"\r\n").find(buffer) == found


def test_a_number_of_lines_comes_whole_or_not() -> None:
    whole = b"one\r\ntwo\nthree\r"
    every_prefix_is_none(Lines(3), whole)
    assert Lines(3).find(whole + b"four\n") == (b"one\ntwo\nthree", 15)
    assert Lines(2, Line(b";")).find(b"a;b;c;") == (b"a\nb", 4)


def test_until_a_prompt() -> None:
    assert Until(b"> ").find(b"text>") is None
    assert Until(b"> ").find(b"> ") == (b"", 2)
    assert Until(b"> ").find(b"one\r\ntwo> more") == (b"one\r\ntwo", 10)


def test_exactly_so_many_bytes() -> None:
    assert Exactly(4).find(b"\r\n\x00") is None
    assert Exactly(4).find(b"four") == (b"four", 4)
    assert Exactly(4).find(b"\r\n\x00\x11!") == (b"\r\n\x00\x11", 4)


def test_a_block_whatever_its_bytes() -> None:
    whole = b"#210\r\n#1\x00\xff...."
    every_prefix_is_none(Block(), whole)
    assert Block().find(whole + b"\n") == (b"\r\n#1\x00\xff....", 14)
    assert Block().find(b"#10") == (b"", 3)
    assert Block().find(b"#9" + b"000000001x") == (b"x", 12)


def test_a_block_may_follow_the_line_end_of_the_reply_before() -> None:
    every_prefix_is_none(Block(), b"\n\x11#13abc")
    assert Block().find(b"\n\x11#13abc\n") == (b"abc", 8)


@pytest.mark.parametrize(
    ("buffer", "says"),
    [
        (b"+1.0\r\n", "was expected"), (b"#0abc\n", "was expected"), (b"#x", "was expected"), (b"#\n", "was expected"),
        (b"#2x", "no number"), (b"#21x", "no number"), (b"#31 4", "no number"), (b"#2-1", "no number"),
        (b"#3\xb2\xb2\xb2", "no number"),
    ],
)  # fmt: skip
def test_what_is_no_block_is_garbled_at_once_with_its_bytes(buffer: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        Block().find(buffer)
    assert caught.value.raw == buffer


def check(reply: bytes) -> bytes:
    body, _, given_sum = reply.rpartition(b"*")
    if b"%02X" % (sum(body) % 256) != given_sum:
        raise Garbled("The check sum is wrong.", reply)
    return body


def test_a_checked_reply_has_its_check_taken_off_and_is_refused_with_a_wrong_one() -> None:
    assert Checked(Line(), check).find(b"ab*") is None
    assert Checked(Line(), check).find(b"ab*C3\r\n") == (b"ab", 6)
    with pytest.raises(Garbled, match="check sum"):
        Checked(Line(), check).find(b"ab*C4\r\n")
