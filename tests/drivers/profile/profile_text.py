"""A small profile for the tests, and what is said of it when something in it is changed."""

from __future__ import annotations

import pytest

from drivers.profile import ProfileProblem, load_profile

GOOD = """\
profile = 1
name = "two-inputs"
vendor = "nobody"
title = "Two inputs"
protocol = "invented"
transports = ["tcp"]
channels = ["A", "B"]
assumed = ["everything: it was invented for a test"]

[[verified]]
against = "a table of requests and replies"
what = "every kind of field and of reply"

[line]
request_end = "lf"

[identity]
send = "ID"
pattern = '(?P<model>[A-Z]{3}) (?P<serial>[0-9]{2})'
model = "TWO"

[quantity.charge]
unit = "C"
integrates = "running"

[field.charge]
is = "value"
quantity = "charge"
unit = "nC"
min = -200
max = 200
sentinels = { "+999.9" = ["overload"] }

[field.status]
is = "flags"
means = { K = [], O = ["overload"], W = ["low-signal"] }

[field.number]
is = "count"
min = 0
max = 99

[reading.both]
send = "Q"
head = 'Q(?P<number>[0-9]{2})'
each = ' (?P<charge>[+-][0-9]{3}\\.[0-9])(?P<status>[KOW])'

[error.refused]
pattern = 'E(?P<code>[0-9])'
means = "declined"
texts = { "1" = "not now" }

[error.over]
pattern = 'OVER'
means = "flags"
flags = ["overload"]

[setting.gain]
min = 1
max = 8
unit = "1"
default = 2
send = "G{value}"
reply = 'G(?P<value>[0-9])'
ask = "G"
answer = 'G(?P<value>[0-9])'

[command.shift]
title = "Shift by some time"
send = "S{seconds}"
reply = 'S(?P<seconds>[0-9]{1,2}\\.[0-9])'
[command.shift.parameter.seconds]
min = 0
max = 20
decimals = 1
unit = "s"

[command.latch]
title = "Read both at once"
send = "L"
gives = "both"
passive = true

[framing]
before = ["latch"]
"""


def problems(text: str) -> list[str]:
    """The sentences about a profile that is wrong, without the name of its file."""
    with pytest.raises(ProfileProblem) as caught:
        load_profile(text.encode(), "two.toml")
    return [each.removeprefix("two.toml, ") for each in caught.value.sentences]
