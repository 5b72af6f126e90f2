"""Configuration files: the examples are sound, and every error names file, line, key and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.config import load
from acquire.errors import FileProblem
from acquire.tomlfile import line_numbers

CONFIG = Path(__file__).parents[3] / "config"

GOOD = """\
site = "clinic"

[broker]
mode = "external"
port = 1883

[spool]
path = "spool.db"

[store]
url = "sqlite:///store.db"

[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "tcp:192.0.2.1:5025"
settings = { nplc = 1 }
"""


@pytest.mark.parametrize("name", ["simulated.toml", "clinic.toml", "demo/service.toml"])
def test_the_examples_are_sound(name: str) -> None:
    loaded = load(CONFIG / name)
    assert loaded.config.instrument
    assert loaded.simulated == (name != "clinic.toml")


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(FileProblem) as caught:
        load(path)
    return [p.removeprefix(f"{path}, ") for p in caught.value.sentences]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'mode = "external"',
            'mode = "extern"',
            "line 4, broker.mode: 'extern' is not known; allowed is 'external'",
        ),
        ("port = 1883", "prot = 1883", "line 5, broker.prot: there is no such key; did you mean 'port'? Allowed"),
        ("port = 1883", "port = 70000", "line 5, broker.port: 70000 is out of range; it must be at most 65535"),
        ("port = 1883", "port = 0", "line 5, broker.port: an external broker has a port of its own"),
        ('model = "keithley-6517b"', 'model = "keithly-6517b"', "line 15, instrument.0.model: There is no driver for"),
        (
            "{ nplc = 1 }",
            "{ nplc = 99 }",
            "line 17, instrument.0.settings.nplc: 99 is out of range; it must be",
        ),
        (
            "{ nplc = 1 }",
            "{ nlpc = 1 }",
            "line 17, instrument.0.settings.nlpc: there is no such key; did you mean 'nplc'?",
        ),
        (
            'id = "electrometer-1"',
            'id = "Electrometer 1"',
            "line 14, instrument.0.id: 'Electrometer 1' is not",
        ),
        ("tcp:192.0.2.1:5025", "simulator:x", "line 16, instrument.0.resource: there is no [[simulator]] 'x'"),
        ('[spool]\npath = "spool.db"\n', "", "line 11, instrument.0: instruments need a [spool]"),
        ('site = "clinic"\n', "", "line 1, site: it is missing"),
        ("sqlite:///", "mysql://", "line 11, store.url: the store URL 'mysql://store.db' is not known"),
    ],
)
def test_an_error_names_line_key_and_what_is_allowed(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new))
    assert any(p.startswith(expected) for p in found), found


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('mode = "external"', 'mode = "x"').replace("port = 1883", "port = -1")
    assert len(problems(tmp_path, text)) == 2


def test_not_toml_and_missing_file(tmp_path: Path) -> None:
    assert "not TOML" in problems(tmp_path, "site = ")[0]
    with pytest.raises(FileProblem, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")


KEYS = st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True)


@given(st.lists(st.tuples(KEYS, st.lists(KEYS, max_size=4, unique=True)), max_size=5, unique_by=lambda each: each[0]))
def test_line_numbers_point_at_the_line_of_each_key(tables: list[tuple[str, list[str]]]) -> None:
    lines: list[str] = []
    expected = {}
    for table, keys in tables:
        lines.append(f"[[{table}]]  # a comment")
        expected[table, 0] = len(lines)
        for key in keys:
            lines += ["", f"  {key} = 'x = [y]'"]
            expected[table, 0, key] = len(lines)
    text = "\n".join(lines)
    tomllib.loads(text)
    found = line_numbers(text)
    assert {k: v for k, v in found.items() if k in expected} == expected
