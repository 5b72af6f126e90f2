# ruff: noqa: E501 - a line is a change and what is said of it
"""A profile is validated like code: what is wrong, in which line, at which key, and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from profile_text import GOOD, problems

from drivers.profile import ProfileProblem, files_of, load_file, load_profile

CHARGE = "each = ' (?P<charge>[+-][0-9]{3}\\.[0-9])(?P<status>[KOW])'"
SHIFT = "reply = 'S(?P<seconds>[0-9]{1,2}\\.[0-9])'"


def test_the_good_one_is_a_model() -> None:
    model = load_profile(GOOD.encode(), "two.toml")
    assert (model.name, model.label, model.channels) == ("two-inputs", "profile, invented protocol", ("A", "B"))
    assert set(model.commands) == {"shift", "latch"}
    assert model.framing.before == ("latch",)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # keys and types
        ('title = "Two inputs"', 'titel = "Two"', "line 4, titel: there is no such key; did you mean 'title'? Allowed"),
        ("min = -200", 'min = "-200"', "line 30, field.charge.min: '-200' is no number"),
        ("max = 200", "max = inf", "line 31, field.charge.max: inf is no finite number"),
        ('is = "value"', 'is = "wert"', "line 27, field.charge.is: 'wert' is not known; allowed is 'value', 'also'"),
        ("profile = 1", "profile = 2", "line 1, profile: 2 is not known; allowed is 1"),
        ('vendor = "nobody"', "", "line 1, vendor: it is missing"),
        ('assumed = ["everything: it was invented for a test"]', "assumed = []", "line 8, assumed: at least 1 entry is needed"),
        ('name = "two-inputs"', 'name = "Two"', "line 2, name: 'Two' is no name that is allowed here; allowed are up to 60 small"),
        ("[reading.both]", "[reading.Both]", "line 43, reading.Both: 'Both' is no name that is allowed here"),
        ("send = \"Q\"", 'send = "Q"\npatern = "x"', "line 45, reading.both.patern: there is no such key; did you mean"),
        ('vendor = "nobody"', 'vendor = "no\u202ebody"', "line 3, vendor: it holds U+202E RIGHT-TO-LEFT OVERRIDE"),
        # ranges and units
        ("min = -200", "", "line 26, field.charge: 'value' needs 'min': a number without a range is not believed"),
        ('unit = "nC"', "", "line 26, field.charge: 'value' needs 'unit'; allowed are C, A, V"),
        ('unit = "nC"', 'unit = "volts"', "line 29, field.charge.unit: 'volts' is no unit that is known here; allowed"),
        ('unit = "nC"', 'unit = "mV"', "line 29, field.charge.unit: mV is not of the kind of C, in which charge is kept"),
        ('unit = "C"', 'unit = "nC"', "line 23, quantity.charge.unit: 'nC' is no unit a quantity is kept in; allowed"),
        ("min = 0\nmax = 99", "min = 99\nmax = 0", "line 41, field.number.max: 0 is not above min = 99"),
        ('max = 8\nunit = "1"', "max = 8", "line 58, setting.gain: a number needs min, max and unit"),
        ("default = 2", "default = 9", "line 62, setting.gain.default: 9 is not allowed; allowed are 1 to 8 1"),
        ("decimals = 1\n", 'values = ["1"]\n', "line 72, command.shift.parameter.seconds: it has values and min and max"),
        # patterns
        (CHARGE, CHARGE.replace("{3}", "+"), "line 46, reading.both.each: the pattern ' (?P<charge>[+-][0-9]+\\.[0-9])(?P<status>[KOW])' has at character 22 a '+', which has no end"),
        (CHARGE, CHARGE.replace("(?P<status>[KOW])", "([KOW])"), "line 46, reading.both.each: the pattern"),
        (CHARGE, CHARGE.replace("[KOW]", "[0-9]?[KOW]").replace("\\.[0-9]", "\\.[0-9]{1,2}"), "line 46, reading.both.each: ambiguous: 'Q00 +000.00"),
        ("pattern = 'OVER'", "pattern = 'E[0-9]'", "line 54, error.over.pattern: 'E0' is a reply of this and of error.refused.pattern"),
        ("pattern = 'OVER'", "pattern = 'TWO [0-9]{2}'", "line 19, identity.pattern: 'TWO 00' is a reply of this and of error.over"),
        ("pattern = 'OVER'", "pattern = 'O{0,1}'", "line 54, error.over.pattern: the pattern reads an empty reply"),
        ("pattern = 'OVER'", "pattern = 'OVER(?P<much>[0-9])'", "line 54, error.over.pattern: nothing uses the group 'much'"),
        (CHARGE, CHARGE.replace("<status>", "<state>"), "line 46, reading.both.each: no [field.state] says what the group 'state' is"),
        (CHARGE, CHARGE.replace("(?P<status>[KOW])", "K"), "line 34, field.status: no reading has a group of that name"),
        (CHARGE, CHARGE.replace("(?P<status>[KOW])", "(?P<status>K)?"), "line 46, reading.both.each: the group 'status' of"),
        (CHARGE, CHARGE.replace("<charge>", "<number>"), "line 46, reading.both.each: the group 'number' stands twice"),
        ("answer = 'G(?P<value>[0-9])'", "answer = 'G[0-9]'", "line 66, setting.gain.answer: it needs a group 'value'"),
        # what one part must know of another
        ("quantity = \"charge\"", 'quantity = "dose"', "line 28, field.charge.quantity: there is no quantity 'dose'; there are: charge"),
        ('O = ["overload"]', 'O = ["over"]', "line 36, field.status.means.O: there is no flag 'over'; allowed are overload"),
        ('"+999.9" = ["overload"]', '"+999.9" = ["stale"]', "line 32, field.charge.sentinels.+999.9: there is no flag 'stale'"),
        ('means = { K', 'unit = "C"\nmeans = { K', "line 36, field.status.unit: this does not go with 'flags'; allowed beside it: means"),
        ('send = "G{value}"', 'send = "G"', "line 63, setting.gain.send: '{value}' is not sent"),
        ('send = "S{seconds}"', 'send = "S{second}"', "line 70, command.shift.send: '{second}' is nothing that can be filled in"),
        ('send = "ID"', 'send = "Iµ"', "line 18, identity.send: it holds what is not printable text in ascii"),
        ('gives = "both"', 'gives = "all"', "line 81, command.latch.gives: there is no reading 'all'; there are: both"),
        ('before = ["latch"]', 'before = ["shift"]', "line 85, framing.before: 'shift' has parameters, and nobody would give them"),
        ('before = ["latch"]', 'before = ["zero"]', "line 85, framing.before: there is no command 'zero'; there are: shift, latch"),
        ('channels = ["A", "B"]', "", "line 46, reading.both.each: the profile has no 'channels'"),
        ("[setting.gain]", "[setting.timeout_s]", "line 58, setting.timeout_s: every instrument has a setting of that name"),
        ("flags = [\"overload\"]", "", "line 53, error.over: means = 'flags' needs 'flags'"),
    ],
)  # fmt: skip
def test_every_error_names_line_key_and_what_is_allowed(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(each.startswith(expected) for each in found), found


def test_an_instrument_that_is_only_listened_to_is_sent_nothing() -> None:
    listened = GOOD.replace("[identity]", "[identitx]")
    start, end = listened.index("[identitx]"), listened.index("[quantity.charge]")
    found = problems(listened[:start] + listened[end:])
    assert any("reading.both.send: without an [identity] the instrument is only listened to" in each for each in found)
    assert any("setting: without an [identity]" in each for each in found)


def test_what_is_no_toml_is_told_as_such() -> None:
    with pytest.raises(ProfileProblem, match=r"two\.toml: not TOML: Invalid value"):
        load_profile(b"profile = ", "two.toml")
    with pytest.raises(ProfileProblem, match="byte 0 is not UTF-8"):
        load_profile(b"\xff", "two.toml")
    with pytest.raises(ProfileProblem, match="a profile has 262144 bytes at most"):
        load_profile(b" " * 300_000, "two.toml")


def test_a_folder_gives_all_its_profiles_and_an_empty_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(ProfileProblem, match="holds no profile"):
        files_of(tmp_path / "none")
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(GOOD.replace("two-inputs", name))
    assert [load_file(each).name for each in files_of(tmp_path)] == ["one", "two"]
    with pytest.raises(ProfileProblem, match="cannot be read"):
        files_of(tmp_path / "missing.toml")
