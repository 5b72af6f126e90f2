"""What is taken from memory is what lies in the spool, or nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.checksum import seed
from acquire.spool.entries import Held, held
from acquire.spool.unsent import Unsent

STEP = st.tuples(st.sampled_from(["keep", "elsewhere", "take", "again"]), st.integers(0, 1), st.integers(1, 6))


def entries(stream: int, first: int, *bodies: bytes) -> list[Held]:
    return [held(seed(str(stream)), seq, body) for seq, body in enumerate(bodies, first)]


def bodies(taken: list[Held]) -> list[bytes]:
    return [each.body for each in taken]


@settings(max_examples=500, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(5, 200))
def test_it_gives_only_what_was_appended_there(steps: list[tuple[str, int, int]], most_bytes: int) -> None:
    unsent = Unsent(most_bytes)
    spool: dict[int, list[Held]] = {0: [], 1: []}
    sent = {0: 0, 1: 0}
    for what, stream, number in steps:
        lies = spool[stream]
        if what == "keep":
            bodies = entries(stream, len(lies) + 1, *(b"%d/%d" % (stream, len(lies) + n) for n in range(number)))
            unsent.keep(str(stream), len(lies) + 1, bodies)
            lies += bodies
        elif what == "elsewhere":  # something that only the spool knows takes a seq
            lies += entries(stream, len(lies) + 1, b"withheld")
        else:
            first = sent[stream] + 1 if what == "take" else max(1, sent[stream] - number)
            taken = unsent.take(str(stream), first, number, 40)
            assert taken == lies[first - 1 : first - 1 + len(taken)]
            assert len(taken) <= number
            assert len(taken) <= 1 or sum(each.size for each in taken) <= 40
            sent[stream] = max(sent[stream], first - 1 + len(taken))
        assert 0 <= unsent._size <= most_bytes
        assert unsent._size == sum(each.size for _, held in unsent._held.values() for each in held)


def test_what_is_sent_in_order_never_needs_the_file() -> None:
    unsent = Unsent()
    unsent.keep("1", 1, entries(1, 1, b"a", b"b", b"c"))
    assert bodies(unsent.take("1", 1, 2, 100)) == [b"a", b"b"]
    unsent.keep("1", 4, entries(1, 4, b"d"))
    assert bodies(unsent.take("1", 3, 9, 100)) == [b"c", b"d"]
    assert unsent._held == {}
    assert unsent.take("1", 3, 9, 100) == [], "sent once, it is read from the spool"


def test_one_that_is_larger_than_a_batch_goes_alone() -> None:
    unsent = Unsent()
    unsent.keep("1", 1, entries(1, 1, b"x" * 50, b"y"))
    assert bodies(unsent.take("1", 1, 9, 10)) == [b"x" * 50]


def test_one_that_does_not_fit_waits_where_it_is() -> None:
    unsent = Unsent()
    unsent.keep("1", 1, entries(1, 1, b"x" * 50))
    assert unsent.take("1", 1, 9, 10, at_least=0) == []
    assert bodies(unsent.take("1", 1, 9, 10)) == [b"x" * 50], "it is still there"


def test_what_was_changed_in_memory_is_asked_of_the_file() -> None:
    unsent = Unsent()
    (good,) = entries(1, 1, b"good")
    unsent.keep("1", 1, [good._replace(body=b"gooe")])
    assert unsent.take("1", 1, 9, 100) == []
