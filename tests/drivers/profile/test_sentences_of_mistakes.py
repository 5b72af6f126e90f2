"""Mistakes that a physicist makes in a profile, and how each is said to be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.profile import ProfileProblem, load_file
from drivers.profile.models import __file__ as models

PROFILE = (Path(models).parent / "mosfet-reader-5.toml").read_text().replace("mosfet-reader-5", "mine")


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ('unit = "s"', 'unit = "s', "a quote is not closed on this line."),
        ("pattern = '\\?(?P<code>[0-9])'", 'pattern = "\\?(?P<code>[0-9])"', "a pattern, stands in single quotes: "),
        ("max = 600", "max = 600,5", "a number has a decimal point, no comma."),
        ('unit = "mV"', 'unit = "µV"', "'µV' is no unit that is known here; did you mean 'uV'? allowed are C, A,"),
        ('unit = "mV"', 'unit = "μV"', "did you mean 'uV'?"),
        ('unit = "mV"', 'unit = "µX"', "is no unit that is known here; allowed are"),
        ('unit = "mV"\n', "", "field.threshold: 'value' needs 'unit'"),
        ("max = 25000\n", "", "field.threshold: 'value' needs 'max': a number without a range is not believed."),
        ("reply = 'CLEAR OK'", "replay = 'CLEAR OK'", "clear.replay: there is no such key; did you mean 'reply'?"),
        ("[0-9]{3}", "[0-9]+", "has at character 21 a '+', which has no end; say how many: {1,8}."),
        ("'\\?(?P<code>[0-9])'", "'CLEAR (?P<code>[A-Z]{2})'", "no reply may have two forms."),
        ("default = 60", "default = 6000", "default: 6000 is not allowed; allowed are 0 to 600 s."),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_how_to_mend_it(tmp_path: Path, written: str, instead: str, says: str) -> None:
    assert written in PROFILE
    (tmp_path / "mine.toml").write_text(PROFILE.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(ProfileProblem) as refused:
        load_file(tmp_path / "mine.toml")
    assert any(says in each and "mine.toml" in each for each in refused.value.sentences), refused.value.sentences
