"""The records of a reader in its own order: files that grow, are exchanged or renamed, copies, and what has no file."""

from __future__ import annotations

from dataclasses import replace

from acquire.procedure.readouts.reader_order import Arrived, in_readers_order
from acquire.procedure.readouts.reader_run import Record


def arrived(name: str, file: str | None, offset: int | None, seq: int = 0) -> Arrived:
    record = Record("s", seq, "dosimeter", dosimeter=name, name=name, counted=name)
    return Arrived(record, file, offset, 10, f"sha of {name}")


def order(*found: Arrived) -> str:
    return " ".join(("/" if r.begins_file else "") + str(r.name) for r in in_readers_order(found))


def test_a_file_that_grows_goes_on_where_it_ended() -> None:
    a, b, c = arrived("a", "f", 0), arrived("b", "f", 10), arrived("c", "f", 20)
    x, y = arrived("x", "g", 0), arrived("y", "g", 10)
    assert order(a, x, b, y, c) == "/a b c /x y"


def test_a_file_that_was_exchanged_under_its_name_is_another() -> None:
    assert order(arrived("a", "f", 0), arrived("b", "f", 10), arrived("c", "f", 0)) == "/a b /c"


def test_a_file_that_was_renamed_and_grew_goes_on_where_one_file_ended() -> None:
    assert order(arrived("a", "f", 0), arrived("b", "g", 10)) == "/a b"
    assert order(arrived("a", "f", 0), arrived("x", "h", 0), arrived("b", "g", 10)) == "/a /x /b", "of which is open"


def test_a_copy_stands_once_and_what_came_over_a_wire_is_no_copy() -> None:
    assert order(arrived("a", "f", 0), arrived("a", "g", 0), arrived("b", "g", 10)) == "/a b"
    assert order(arrived("a", None, None), arrived("a", None, None)) == "a a"


def test_what_came_over_a_wire_goes_on_until_a_file_comes() -> None:
    wire = [arrived(name, None, None, n) for n, name in enumerate("ab")]
    assert order(*wire, arrived("x", "f", 0), arrived("c", None, None)) == "a b /x c"
    assert order(arrived("x", "f", 0), *wire) == "/x a b"
    named = [arrived(name, "port", None) for name in "ab"]
    assert order(*named, arrived("c", "other port", None)) == "/a b /c"


def test_a_place_that_is_not_known_does_not_go_on_with_one_that_is() -> None:
    assert order(arrived("a", "f", 0), arrived("b", "f", None), arrived("c", "f", 10)) == "/a c /b"


def test_two_elements_of_one_card_stand_at_one_place_of_a_file() -> None:
    card = [replace(arrived(name, "f", 10), sha256="card", index=n) for n, name in enumerate(("i", "j"))]
    assert order(arrived("a", "f", 0), *card, arrived("b", "f", 20)) == "/a i j b"
    other = [replace(card[0], sha256="card"), replace(card[1], sha256="another")]
    assert order(arrived("a", "f", 0), *other) == "/a i /j", "the same place with other bytes is another file"


def test_a_first_record_goes_on_with_no_other_file() -> None:
    empty = replace(arrived("a", "f", 0), length=0)
    assert order(empty, arrived("b", "g", 0)) == "/a /b"
    assert order(arrived("a", "f", 5), arrived("b", "g", 15)) == "/a b"
    assert order(arrived("a", "f", 0), arrived("b", "g", 11)) == "/a /b"
    assert order(arrived("a", None, None), arrived("b", "g", 10)) == "a /b"


def test_of_copies_the_one_that_is_kept_stays_and_else_the_first() -> None:
    first, copy = arrived("a", "f", 0, 1), arrived("a", "g", 0, 2)
    assert [r.seq for r in in_readers_order([first, copy])] == [1]
    assert [r.seq for r in in_readers_order([first, copy], [("s", 2)])] == [2]
    assert [r.seq for r in in_readers_order([first, copy], [("s", 9)])] == [1]
    plain = [replace(each, sha256="") for each in (first, copy)]
    assert [r.seq for r in in_readers_order(plain)] == [1, 2]
    assert (Arrived(first.record).length, Arrived(first.record).sha256) == (0, "")
