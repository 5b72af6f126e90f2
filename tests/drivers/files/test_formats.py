"""Formats by entry point: a stranger's package is read by import and by a drop folder, a broken one is a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from reader_files import GOOD, export, folder_at, xsyg
from typer.testing import CliRunner

from acquire.cli.main import app
from drivers import Misuse, registry
from drivers.connecting import connect
from drivers.files import Format, NoOptions, folder_model, formats, options_of, parse_file, problems, sniff
from drivers.files.formats import forget
from drivers.files.records import new
from drivers.files.winrems import WINREMS
from drivers.files.xsyg import XSYG
from drivers.model import Quantity
from drivers.reading import Axis, Flag, Sample

PAGE = Path(__file__).parents[3] / "docs" / "file-formats.md"
OURS = (
    "column-map", "daybreak", "daybreak-dat", "helios", "panasonic-dat", "psl", "research-glow", "risoe-bin", "tl-dos",
    "winrems", "xlum", "xsyg",
)  # fmt: skip
LAB = b"osl-lab;1\nD0017;2026-06-01T09:02:15;48211\nD0018;2026-06-01T09:03:20;x\n"


def install(path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *entries: str, package: str = "stranger") -> None:
    """Put a package with these entry points on sys.path, as pip would have laid it down."""
    site = path / f"site-{package}"
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / f"{package}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[acquire.formats]\n" + "\n".join(entries) + "\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(__import__("sys").modules, package, raising=False)
    forget()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """The formats of the environment, before and after."""
    forget()
    yield
    forget()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Format:
    """The format of the page that teaches formats, installed as a package of its own."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    install(tmp_path, monkeypatch, code[1], "osl-lab = stranger:OSL_LAB")
    return formats()["osl-lab"]


def test_the_houses_own_formats_are_found() -> None:
    assert list(formats()) == list(OURS)
    assert formats()["winrems"] is WINREMS
    assert problems() == ()
    for fmt in formats().values():
        assert fmt.verified
        assert fmt.assumed


@pytest.mark.parametrize(
    ("data", "found"), [(export(1), WINREMS), (xsyg(GOOD).encode(), XSYG), (b"", None), (b"text", None)]
)
def test_sniffing_names_the_format(data: bytes, found: Format | None) -> None:
    assert sniff(data) is found


def test_a_strangers_format_is_read_by_import(lab: Format, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(LAB)
    (tmp_path / "b.ASC").write_bytes(export(1))
    done = CliRunner().invoke(app, ["import", str(tmp_path / "a.txt"), str(tmp_path / "b.ASC"), "--json"])
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert [(f["format"], f["readouts"], f["rejected"]) for f in said["files"]] == [
        ("osl-lab", 1, 1),
        ("winrems", 1, 0),
    ]
    assert said["files"][0]["reason"] == "a.txt, line 3: not a dot, a time and its counts."
    assert said["readouts"][0] == {
        "file": "a.txt", "element": "D0017", "kind": "scalar", "points": 1, "sum": 48211.0, "unit": "{counts}",
    }  # fmt: skip


async def test_a_strangers_format_is_read_by_a_drop_folder(lab: Format, tmp_path: Path) -> None:
    folder = folder_at(tmp_path, lab)
    await folder.open()
    (tmp_path / "in" / "a.txt").write_bytes(LAB)
    readings = await folder.take()
    await folder.confirm()
    assert [(r.kind, r.element, r.value) for r in readings] == [("scalar", "D0017", 48211.0), ("unparsed", None, None)]
    (tmp_path / "in" / "a.txt").write_bytes(LAB.replace(b"\n", b"\r\n"))
    assert await folder.take() == []


async def test_a_strangers_format_is_a_model_of_its_own_name(lab: Format, tmp_path: Path) -> None:
    assert "osl-lab" in registry.models()
    (tmp_path / "in").mkdir()
    folder = connect(folder_model(lab), f"dir:{tmp_path / 'in'}", {"settle_s": 0})
    assert (await folder.open()).model == "osl-lab"
    (tmp_path / "in" / "a.txt").write_bytes(LAB)
    assert [r.element for r in await folder.take()] == ["D0017", None]


BROKEN = """
from dataclasses import replace
from drivers.files import FolderSettings
from drivers.files.winrems import WINREMS
MISNAMED = replace(WINREMS, name="other")
TAKES_A_SETTING = replace(WINREMS, name="taker", options=FolderSettings)
"""


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "gone = nowhere.at_all:X",
            "The file format 'gone' (nowhere.at_all:X) cannot be used: No module named 'nowhere'.",
        ),
        ("lacks = stranger:LACKS", "cannot be used: module 'stranger' has no attribute 'LACKS'."),
        ("text = stranger:BROKEN", "it is a str, not a drivers.files.Format."),
        ("named = stranger:MISNAMED", "it calls itself 'other', which is not the name of its entry point."),
        ("taker = stranger:TAKES_A_SETTING", "its option 'give_up_s' is the name of a drop folder's setting."),
        ("xsyg = stranger:MISNAMED", "another package has a format of that name."),
    ],
)
def test_a_broken_entry_point_is_named_and_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, said: str
) -> None:
    install(tmp_path, monkeypatch, BROKEN + 'BROKEN = "text"\n', entry)
    assert list(formats()) == list(OURS)
    assert [said in each for each in problems()] == [True]
    (tmp_path / "b.ASC").write_bytes(export(1))
    done = CliRunner().invoke(app, ["import", str(tmp_path / "b.ASC"), "--json"])
    assert done.exit_code == 0
    assert said in done.stderr


GREEDY = """
from dataclasses import replace
from drivers.files.winrems import WINREMS
GREEDY = replace(WINREMS, name="greedy", detect=lambda data: True)
def fails(data):
    raise RuntimeError("no")
FAILS = replace(WINREMS, name="fails", detect=fails)
"""


async def test_content_that_two_formats_claim_is_refused_with_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, GREEDY, "greedy = stranger:GREEDY")
    with pytest.raises(Misuse, match="taken for greedy and winrems alike; say which it is"):
        sniff(export(1))
    file = tmp_path / "b.ASC"
    file.write_bytes(export(1))
    done = CliRunner().invoke(app, ["import", str(file), "--json"])
    assert "b.ASC: Its content is taken for greedy and winrems alike" in json.loads(done.stdout)["files"][0]["reason"]
    said = json.loads(CliRunner().invoke(app, ["import", str(file), "--format", "winrems", "--json"]).stdout)
    assert said["files"][0]["format"] == "winrems"
    folder = folder_at(tmp_path)  # a folder knows what falls into it
    await folder.open()
    (tmp_path / "in" / "b.ASC").write_bytes(export(1))
    assert [r.element for r in await folder.take()] == ["1"]


def test_a_format_that_fails_at_recognising_claims_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, GREEDY, "fails = stranger:FAILS")
    assert "fails" in formats()
    assert sniff(export(1)) is WINREMS


def giving(*samples: object) -> Format:
    """A format that gives these samples for every file."""

    def parse(name: str, data: bytes, options: object) -> object:
        found = new(name, "giving", data)
        found.samples = list(samples)  # type: ignore[arg-type]
        return found

    return Format(
        name="giving", vendor="x", title="x", quantities=(Quantity("counts", "1"),), detect=lambda data: True,
        parse=parse,  # type: ignore[arg-type]
    )  # fmt: skip


FINE = Sample(quantity="counts", unit="1", value=1.0, raw=b"1")


@pytest.mark.parametrize(
    ("sample", "said", "flags"),
    [
        ("text", "the format gave a str where a Sample belongs", ()),
        (
            Sample(quantity="counts", unit="1", axes={"t": Axis(unit="s", values=(1.0, float("nan")))}, raw=b"x"),
            "a number in it is not finite", (Flag.NOT_A_NUMBER,),
        ),
        (Sample(quantity="counts", unit="1", u=float("inf"), raw=b"x"), "not finite", (Flag.NOT_A_NUMBER,)),
        (Sample(quantity="counts", unit="1", elapsed_s=float("nan"), raw=b"x"), "not finite", (Flag.NOT_A_NUMBER,)),
        (Sample(quantity="counts", unit="1", element=5, raw=b"x"), "cannot be written down", ()),  # type: ignore[arg-type]
        (Sample(quantity="counts", unit="1", element="\udcfc", raw=b"x"), "cannot be written down", ()),
        (Sample(quantity="counts", unit="1", kind="spectrum", raw=b"x"), "the format gave the kind 'spectrum'", ()),
    ],
)  # fmt: skip
def test_a_sample_that_cannot_go_on_is_rejected_by_itself(sample: object, said: str, flags: tuple[Flag, ...]) -> None:
    found = parse_file("a", b"content", format=giving(FINE, sample))
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert said in rejected.reason
    assert rejected.flags == flags
    assert rejected.piece.raw == (b"content" if sample == "text" else b"x")


@pytest.mark.parametrize("odd", [True, "1", Decimal("1.5"), None, (1.0,)])
def test_a_column_that_json_would_not_give_back_as_numbers_is_rejected(odd: object) -> None:
    column = Axis(unit="s", values=(1.0, odd))  # type: ignore[arg-type]
    found = parse_file("a", b"content", format=giving(FINE, msgspec.structs.replace(FINE, axes={"t": column})))
    assert len(found.samples) == 1
    assert "cannot be written down" in found.rejected[0].reason


def test_a_sample_without_bytes_and_origin_is_given_those_of_the_file() -> None:
    (sample,) = parse_file("a", b"content", format=giving(Sample(quantity="counts", unit="1", value=1.0))).samples
    assert sample.raw == b"content"
    assert (sample.origin["file"], sample.origin["offset"], sample.origin["length"]) == ("a", 0, 7)
    (with_raw,) = parse_file("a", b"content", format=giving(FINE)).samples
    assert (with_raw.raw, with_raw.origin["length"]) == (b"1", 1)


def test_wrong_options_are_refused_with_those_there_are() -> None:
    with pytest.raises(Misuse, match=r"Option element_from of xsyg: .*Its options are: element_from\."):
        options_of(XSYG, {"element_from": "x"})
    with pytest.raises(Misuse, match=r"Option size of winrems: .*Its options are: none\."):
        parse_file("a", export(1), {"size": "1"})
    assert options_of(WINREMS, {}) == NoOptions()


def test_a_file_of_another_format_than_the_one_given_is_refused() -> None:
    with pytest.raises(Misuse, match=r"a\.ASC is not a xsyg file but looks like winrems"):
        parse_file("a.ASC", export(1), format=XSYG)
    with pytest.raises(Misuse, match=r"a\.txt is no reader file that is known here; known are .*winrems, xlum, xsyg"):
        parse_file("a.txt", b"hello")
