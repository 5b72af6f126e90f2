"""Which characters nobody sees: escaped where text is shown, refused where it names something."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from acquire.errors import FileProblem, Refused
from acquire.instruments.marks import Begin
from acquire.printable import hidden_in, is_hidden, must_be_seen, printable, printable_json
from acquire.procedure.documents.inventory import read_inventory
from acquire.seen import Seen
from drivers.printable import hidden_in as hidden_in_driver

HIDDEN = {
    "\x00": "U+0000", "\x1b": "U+001B", "\x7f": "U+007F", "\x85": "U+0085", "\x9b": "U+009B",
    "\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE", "\u2066": "U+2066 LEFT-TO-RIGHT ISOLATE",
    "\u200b": "U+200B ZERO WIDTH SPACE", "\ufeff": "U+FEFF ZERO WIDTH NO-BREAK SPACE",
    "\u2028": "U+2028 LINE SEPARATOR",
    "\u2029": "U+2029 PARAGRAPH SEPARATOR", "\u00ad": "U+00AD SOFT HYPHEN", "\ud800": "U+D800",
    "\U000e0041": "U+E0041 TAG LATIN CAPITAL LETTER A", "\u3164": "U+3164 HANGUL FILLER",
    "\u034f": "U+034F COMBINING GRAPHEME JOINER", "\ue000": "U+E000",
}  # fmt: skip
SEEN = ("T-014", "µ", "Ärztin", "−", "\u202f", "\u2007", "\u00a0", "שלום", "数", "😀", "n̂")


@pytest.mark.parametrize(("character", "named"), HIDDEN.items())
def test_hidden_characters_are_named_by_code_point_and_shown_as_escapes(character: str, named: str) -> None:
    text = f"T-{character}014"
    assert hidden_in(text) == hidden_in_driver(text) == named
    assert printable(text) == f"T-{character.encode('unicode_escape').decode()}014"
    assert json.loads(printable_json(json.dumps(text, ensure_ascii=False))) == text
    assert not any(map(is_hidden, printable_json(json.dumps(text, ensure_ascii=False))))
    with pytest.raises(Refused, match=rf"The reason holds U\+{ord(character):04X}"):
        must_be_seen(reason=text)
    with pytest.raises(ValidationError, match=rf"it holds U\+{ord(character):04X}"):
        TypeAdapter(Seen).validate_python(text)


@pytest.mark.parametrize("text", SEEN)
def test_what_is_seen_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert hidden_in(text) is hidden_in_driver(text) is None


@given(st.text())
def test_nothing_hidden_is_left_and_both_sides_say_the_same(text: str) -> None:
    assert not any(is_hidden(c) for c in printable(text, ""))
    assert hidden_in(text) == hidden_in_driver(text)
    document = json.dumps([text], ensure_ascii=False)
    assert json.loads(printable_json(document)) == [text]


def test_line_ends_stay_where_text_may_have_lines() -> None:
    assert printable("a\nb\r\n") == "a\nb\\r\n"
    assert printable("a\nb", "") == "a\\nb"
    must_be_seen(reason="a\nb\tc", nothing=None)


@pytest.mark.parametrize("key", ["session", "step", "channel"])
def test_a_marker_takes_no_id_that_nobody_sees_whole(key: str) -> None:
    asked = {"measurement": "8d0f6a0e-6f0a-4f53-9e8f-2b8a2a3a1c11", "session": "s", "step": "b1", "channel": "A"}
    Begin.from_request(asked)
    with pytest.raises(ValidationError, match=r"U\+202E"):
        Begin.from_request(asked | {key: "b1\u202e"})


INVENTORY = """schema = "inventory/1"
[[instrument]]
id = "tld-1"
model = "winrems"
serial = "7"
[[element]]
id = "T-1"
kind = "tld"
material = "LiF"
reader = "tld-1"
read_as = "501"
"""


def test_a_document_with_a_hidden_character_is_refused_with_line_key_and_code_point() -> None:
    read_inventory(INVENTORY.encode(), "inventory.toml")
    for written in ('"501\\u200b"', '"501\u202e"'):
        with pytest.raises(FileProblem) as caught:
            read_inventory(INVENTORY.replace('"501"', written).encode(), "inventory.toml")
        assert "inventory.toml, line 11, element.0.read_as: it holds U+20" in str(caught.value)
    with pytest.raises(FileProblem, match=r"it holds U\+200B"):
        read_inventory(INVENTORY.replace("serial", '"ser\\u200bial"').encode(), "inventory.toml")
