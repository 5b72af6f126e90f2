"""Patterns: what is matched is what was held against itself and others, and none can run for ever."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.profile.automaton import positions, read_twice, shared
from drivers.profile.expression import PatternProblem, compiled, parsed

small = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{1,2}"])).map(lambda both: f"(?:{both[0]}){both[1]}"),
    ),
    max_leaves=5,
)
WORDS = [bytes(each) for length in range(5) for each in itertools.product(b"abc", repeat=length)]


@settings(max_examples=150, deadline=None)
@given(small)
def test_what_is_compiled_is_what_was_written(text: str) -> None:
    ours, theirs = compiled(parsed(text)), re.compile(text.encode())
    assert [word for word in WORDS if ours.fullmatch(word)] == [word for word in WORDS if theirs.fullmatch(word)]


@settings(max_examples=150, deadline=None)
@given(small, small)
def test_two_patterns_share_a_reply_where_both_read_one_and_only_there(one: str, other: str) -> None:
    found = shared(positions(parsed(one)), positions(parsed(other)))
    both = [w for w in WORDS if compiled(parsed(one)).fullmatch(w) and compiled(parsed(other)).fullmatch(w)]
    if found is None:
        assert not both
    else:
        assert compiled(parsed(one)).fullmatch(found.encode())
        assert compiled(parsed(other)).fullmatch(found.encode())
        assert all(len(found) <= len(each) for each in both)


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("(?P<a>[0-9]{1,3})(?P<b>[0-9]{1,3})", "000"),
        ("(?:a{1,3}){2}", "aaa"),
        ("a|[ab]", "a"),
        ("(?:a|ab)b?", "ab"),
        ("[ ]{0,2} (?P<a>[0-9 ]{1,2})", " " * 3),
        ("(?P<a>[0-9]{1,3}),(?P<b>[0-9]{1,3})", None),
        ("(?:ab|ac){1,8}", None),
        ("(?P<a>[+-][0-9]\\.[0-9]{4}E[+-][0-9]{2})", None),
    ],
)
def test_a_pattern_that_reads_one_reply_in_two_ways_is_found_with_the_reply(text: str, twice: str | None) -> None:
    found = read_twice(positions(parsed(text)))
    assert (found is None) == (twice is None)
    assert found is None or (len(found) == len(twice or "") and compiled(parsed(text)).fullmatch(found.encode()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a*", r"a '\*', which has no end"),
        ("[0-9]+", r"a '\+', which has no end"),
        ("a{1,999}", "allowed are 1 to 64"),
        ("a{2}{2}", "a second number of times"),
        ("(a)", r"allowed are \(\?:\.\.\.\) and"),
        ("(?P<A>a)", "without a name of small letters"),
        ("(?:a", "a bracket that is not closed"),
        ("a)", "closes a bracket that it never opened"),
        ("[b-a]", "goes backwards"),
        ("[]", "holds nothing"),
        ("\\w", "an escape that is not known here"),
        ("a$", r"'\$', which needs a"),
        ("[a", "an end too early"),
        ("(?:(?P<x>a)|b)", "so it may be missing"),
        ("€", "no single byte"),
        ("(?:" * 13 + "a" + ")" * 13, "more than 12 deep"),
    ],
)
def test_what_is_not_of_the_allowed_kind_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(PatternProblem, match=why):
        parsed(text)


def test_a_pattern_too_long_is_refused() -> None:
    with pytest.raises(PatternProblem, match="longer than 4000 characters"):
        positions(parsed("(?:(?:[ab]{64}){64}){64}"))


def test_a_long_reply_that_almost_fits_is_refused_at_once() -> None:
    form = compiled(parsed("(?:[0-9]{1,3},){1,64};"))
    begun = time.process_time()
    assert form.fullmatch(b"123," * 64 + b"x") is None
    assert time.process_time() - begun < 0.5
