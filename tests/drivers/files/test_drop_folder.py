"""A drop folder loses nothing and never loops: each record once, whatever becomes of the files."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from reader_files import GLOW, GOOD, HEAT, Clock, curve, export, folder_at, line, record, xsyg

from drivers import LinkDown, Misuse
from drivers.files import (
    FileReadings,
    FolderInstrument,
    Format,
    NoOptions,
    Piece,
    Rejected,
    Unreadable,
    content,
    folder_model,
    new,
)
from drivers.files.winrems import WINREMS
from drivers.files.xsyg import XSYG
from drivers.instrument import Identity
from drivers.model import Quantity
from drivers.reading import Flag, Reading


async def given(folder: FolderInstrument) -> list[Reading]:
    """What a look gives, confirmed."""
    readings = list(await folder.take())
    await folder.confirm()
    return readings


async def opened(path: Path, *arguments: object, **settings: object) -> FolderInstrument:
    """A drop folder that is open."""
    folder = folder_at(path, *arguments, **settings)  # type: ignore[arg-type]
    await folder.open()
    return folder


def elements(readings: list[Reading]) -> list[str | None]:
    """The dosimeters of what was believed."""
    return [each.element for each in readings if each.kind != "unparsed"]


def told(readings: list[Reading]) -> list[str]:
    """The sentences of what was not."""
    assert all(each.value is None and Flag.UNPARSED in each.flags for each in readings if each.kind == "unparsed")
    return [each.note or "" for each in readings if each.kind == "unparsed"]


async def test_a_file_gives_its_readings_once(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, 2))
    (reading, _) = await given(folder)
    assert (reading.element, reading.value, reading.raw) == ("1", 80955 * 1e-12, export(1))
    assert reading.time.endswith("Z")
    assert reading.origin["file"] == "a.ASC"
    assert await given(folder) == []
    assert await given(await opened(tmp_path)) == []


async def test_who_it_is_and_what_it_measures(tmp_path: Path) -> None:
    folder = folder_at(tmp_path, poll_interval_s=0.5)
    assert await folder.open() == Identity("Thermo Fisher (Harshaw)", "winrems", "", "", b"")
    assert await folder.recover() == Identity("Thermo Fisher (Harshaw)", "winrems", "", "", b"")
    assert (folder.measures, folder.integrates, folder.poll_interval_s) == ("charge", "elements", 0.5)
    assert folder.comes_again
    assert await folder.flush() == ()
    await folder.close()


async def test_what_was_not_confirmed_comes_again_when_it_is_opened_anew(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    assert len(await folder.take()) == 1
    assert await folder.take() == []
    await folder.recover()
    assert len(await given(folder)) == 1
    assert await given(await opened(tmp_path)) == []


async def test_a_file_is_read_when_it_has_stopped_changing(tmp_path: Path) -> None:
    clock = Clock()
    folder = await opened(tmp_path, clock=clock, settle_s=2)
    file = tmp_path / "in" / "a.ASC"
    file.write_bytes(export(1))
    assert await given(folder) == []
    clock.step(1.9)
    file.write_bytes(export(1, 2))
    assert await given(folder) == []
    clock.step(1.9)
    assert await given(folder) == []
    clock.step(0.1)
    assert elements(await given(folder)) == ["1", "2"]


async def test_a_file_that_changes_while_it_is_read_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.ASC"
    file.write_bytes(export(1))

    def growing(path: Path, *arguments: object, **named: object) -> bytes:
        data = content.read_whole(path, 1.0, follow=False)
        if b"2\r\n" not in data:
            file.write_bytes(export(1, 2))
        return data

    monkeypatch.setattr("drivers.files.folder.read_whole", growing)
    assert await given(folder) == []
    monkeypatch.undo()
    assert elements(await given(folder)) == ["1", "2"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (export(1)[:-2], export(1, 2)[:-2]),
        (export(1), export(1, 2, end="\n")),
        (export(1), export(1, end="\n") + b"\x1a"),
        (export(1, 3), export(1)),
        (export(1), b"\xef\xbb\xbf" + export(1)),
        (export(1), export(1).decode().encode("utf-16")),
        (export(1, 2), export(2, 1)),
    ],
    ids=["no final newline", "LF", "0x1A", "shrunk", "BOM", "UTF-16", "other order"],
)
async def test_a_file_written_again_gives_only_what_is_new(tmp_path: Path, before: bytes, after: bytes) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.ASC"
    file.write_bytes(before)
    had = elements(await given(folder))
    file.write_bytes(after)
    assert elements(await given(folder)) == (["2"] if "2" not in had and b" 2, " in after else [])


async def test_copied_and_renamed_files_give_nothing_new(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    for name in ("a.ASC", "b.ASC"):
        (tmp_path / "in" / name).write_bytes(export(1))
    assert elements(await given(folder)) == ["1"]
    (tmp_path / "in" / "a.ASC").rename(tmp_path / "in" / "c.ASC")
    (tmp_path / "in" / "d.ASC").write_bytes(export(1, end="\n"))
    assert await given(folder) == []


async def test_a_file_replaced_by_another_of_the_same_size_and_time_is_read(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.ASC"
    file.write_bytes(export(1))
    assert elements(await given(folder)) == ["1"]
    found = file.stat()
    (tmp_path / "new").write_bytes(export(2))
    os.utime(tmp_path / "new", ns=(found.st_atime_ns, found.st_mtime_ns))
    (tmp_path / "new").replace(file)
    assert elements(await given(folder)) == ["2"]


async def test_two_equal_lines_of_one_file_are_two_records(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, 1))
    assert elements(await given(folder)) == ["1", "1"]
    assert await given(await opened(tmp_path)) == []


async def test_a_bad_record_is_kept_and_told_once_and_the_others_go_on(tmp_path: Path) -> None:
    folder = await opened(tmp_path, XSYG)
    for name, first in (("a", "NaN"), ("b", "1e999")):
        text = xsyg(record(GLOW.replace("0.2,7", f"0.2,{first}"), HEAT))
        (tmp_path / "in" / f"{name}.xsyg").write_text(text)
    (tmp_path / "in" / "z.xsyg").write_text(xsyg(GOOD))
    readings = await given(folder)
    assert [r.value for r in readings] == [None, None, 23.0]
    assert [r.flags for r in readings][:2] == [(Flag.UNPARSED, Flag.NOT_A_NUMBER)] * 2
    assert b"NaN" in readings[0].raw
    assert await given(folder) == []
    (tmp_path / "in" / "a.xsyg").rename(tmp_path / "in" / "c.xsyg")
    assert await given(folder) == []
    assert await given(await opened(tmp_path, XSYG)) == []


async def test_an_unfinished_record_waits_and_the_finished_one_is_the_readout(tmp_path: Path) -> None:
    clock = Clock()
    folder = await opened(tmp_path, XSYG, clock=clock, settle_s=1, give_up_s=60)
    file = tmp_path / "in" / "a.xsyg"
    file.write_text(xsyg(record(GLOW, HEAT, state="started")))
    assert await given(folder) == []
    clock.step(1)
    assert await given(folder) == []
    clock.step(59.9)
    assert await given(folder) == []
    clock.step(0.1)
    (reading,) = await given(folder)
    assert (reading.kind, reading.value, reading.element) == ("unparsed", None, None)
    assert reading.flags == (Flag.UNPARSED, Flag.INCOMPLETE)
    assert await given(folder) == []
    file.write_text(xsyg(GOOD))
    assert await given(folder) == []
    clock.step(1)
    (reading,) = await given(folder)
    assert (reading.kind, reading.value, reading.flags) == ("glow-curve", 23.0, ())


async def test_an_unfinished_record_that_is_finished_in_time_is_never_told(tmp_path: Path) -> None:
    clock = Clock()
    folder = await opened(tmp_path, XSYG, clock=clock)
    file = tmp_path / "in" / "a.xsyg"
    file.write_text(xsyg(record(GLOW, HEAT, state="started")))
    assert await given(folder) == []
    file.write_text(xsyg(GOOD))
    assert [r.value for r in await given(folder)] == [23.0]
    clock.step(100)
    assert await given(folder) == []


async def test_an_unfinished_record_that_grows_is_told_once(tmp_path: Path) -> None:
    folder = await opened(tmp_path, XSYG, give_up_s=0)
    sentences = []
    for points in ("0.1,6", "0.1,6;0.2,7", "0.1,6;0.2,7;0.3,5"):
        (tmp_path / "in" / "a.xsyg").write_text(xsyg(record(curve(points, state="started"), HEAT)))
        sentences += told(await given(folder))
    assert len(sentences) == 1
    other = record(curve("0.1,6", state="started"), HEAT, more='sequenceStepNumber="2"')
    (tmp_path / "in" / "a.xsyg").write_text(xsyg(other))
    assert len(told(await given(folder))) == 1


async def test_a_file_that_waits_is_not_parsed_at_every_look(tmp_path: Path) -> None:
    parses = []
    counting = Format(
        name="counting", vendor="nobody", title="counts", quantities=(Quantity("charge", "C"),), options=NoOptions,
        detect=lambda data: True, parse=lambda *a: (parses.append(a), WINREMS.parse(*a))[1],
    )  # fmt: skip
    folder = await opened(tmp_path, counting)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1) + line(2)[:50].encode())
    for _ in range(3):
        await given(folder)
    assert len(parses) == 1


async def test_an_empty_file_is_told_when_nothing_has_come_for_long(tmp_path: Path) -> None:
    clock = Clock()
    folder = await opened(tmp_path, clock=clock, give_up_s=10)
    (tmp_path / "in" / "a.ASC").touch()
    assert await given(folder) == []
    clock.step(10)
    assert told(await given(folder)) == ["a.ASC is empty."]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello", "a.ASC is not a winrems file. Its beginning is kept."),
        (xsyg(GOOD).encode(), "a.ASC is not a winrems file but looks like xsyg. Its beginning is kept."),
        (b"\x1f\x8b\x08", "a.ASC is not a winrems file: it is packed (gzip); unpack it, nothing is unpacked here."),
        (b"PK\x03\x04", "it is packed (zip)"),
    ],
)
async def test_a_strangers_file_is_told_once_and_only_its_beginning_is_kept(
    tmp_path: Path, data: bytes, said: str
) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.ASC"
    file.write_bytes(data.ljust(5000, b" ") + b"end")
    (reading,) = await given(folder)
    assert said in str(reading.note)
    assert reading.raw == data.ljust(4096, b" ")
    file.write_bytes(data.ljust(5000, b" ") + b"grown")
    assert await given(folder) == []


async def test_a_name_that_is_not_utf_8_is_kept_escaped(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / os.fsdecode(b"R\xfcck.ASC")).write_bytes(export(1))
    (tmp_path / "in" / os.fsdecode(b"\xfc.ASC")).write_bytes(b"hello")
    first, second = await given(folder)
    assert first.origin["file"] == "R\\xfcck.ASC"
    assert str(second.note).startswith("\\xfc.ASC is not")


async def test_a_file_that_cannot_be_read_is_told_once_tried_ever_more_rarely_and_read_when_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tried = Clock(), []
    folder = await opened(tmp_path, clock=clock)
    for n, name in enumerate(("a", "b", "c")):
        (tmp_path / "in" / f"{name}.ASC").write_bytes(export(n))
    whole = content._opened

    def broken(name: str, *arguments: object) -> bytes:
        if name == "b.ASC":
            tried.append(name)
            raise OSError(5, "Input/output error")
        return whole(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(content, "_opened", broken)
    readings = await given(folder)
    assert elements(readings) == ["0", "2"]
    assert told(readings) == ["b.ASC cannot be read: Input/output error."]
    for _ in range(600):
        clock.step(1)
        assert await given(folder) == []
    assert 10 <= len(tried) <= 20, "not at every look, and at least once a minute"
    assert await given(await opened(tmp_path)) == []
    monkeypatch.undo()
    clock.step(60)
    assert elements(await given(folder)) == ["1"]


async def test_a_file_of_which_not_even_the_size_is_told_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await opened(tmp_path)
    for name in ("a.ASC", "b.ASC"):
        (tmp_path / "in" / name).write_bytes(export(1))
    look = Path.stat

    def stale(path: Path, **named: bool) -> os.stat_result:
        if path.name == "a.ASC":
            raise OSError(116, "Stale file handle")
        return look(path, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "stat", stale)
    monkeypatch.setattr(Path, "lstat", lambda path: stale(path, follow_symlinks=False))
    readings = await given(folder)
    assert (elements(readings), told(readings)) == (["1"], ["a.ASC cannot be read: Stale file handle."])
    assert await given(folder) == []


async def test_a_file_that_takes_long_to_fail_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    folder = await opened(tmp_path, clock=clock)
    for n, name in enumerate(("0.ASC", "1.ASC")):
        (tmp_path / "in" / name).write_bytes(export(n))
    whole = content._opened

    def slow(name: str, *arguments: object) -> bytes:
        if name == "0.ASC":
            clock.step(30)
            raise OSError(110, "Connection timed out")
        return whole(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(content, "_opened", slow)
    assert told(await given(folder)) == ["0.ASC cannot be read: Connection timed out."]
    assert elements(await given(folder)) == ["1"]
    monkeypatch.undo()
    clock.step(299)
    assert await given(folder) == []
    clock.step(1)
    assert elements(await given(folder)) == ["0"]


async def test_a_file_that_is_too_large_is_not_even_begun_with(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    with (tmp_path / "in" / "a.ASC").open("wb") as file:
        file.truncate(3_000_000_000_000)  # as a hole: to read it would take a quarter of an hour
    async with asyncio.timeout(20):
        assert "larger than 64 MB" in told(await given(folder))[0]


def pipe(path: Path) -> None:
    """A FIFO with no writer: opening it would wait for ever."""
    os.mkfifo(path)


def listening(path: Path) -> None:
    """A Unix socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def link_out(path: Path) -> None:
    """A link to a good file beside the folder."""
    (path.parents[1] / "out.ASC").write_bytes(export(7))
    path.symlink_to(path.parents[1] / "out.ASC")


def link_inside(path: Path) -> None:
    """A link to a file of the same folder that its reader cannot see in a listing: somebody's password."""
    (path.parent / ".password").write_bytes(export(7))
    path.symlink_to(".password")


def dangling(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to(path.parent / "nothing")


def circle(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pipe, "a is a pipe; only plain files are read."),
        (listening, "a is a socket; only plain files are read."),
        (link_out, "a is a link; none is followed here, put the file itself there."),
        (link_inside, "a is a link; none is followed here"),
        (lambda path: path.symlink_to("/dev/zero"), "a is a link; none"),
        (lambda path: path.symlink_to("/proc/self/mem"), "a is a link; none"),
        (lambda path: path.symlink_to("/tmp"), "a is a link; none"),
        (dangling, "a is a link; none"),
        (circle, "a is a link; none"),
    ],
)
async def test_what_is_no_plain_file_is_refused_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = await opened(tmp_path)
    make(tmp_path / "in" / "a")  # type: ignore[operator]
    (tmp_path / "in" / "z.ASC").write_bytes(export(1))
    async with asyncio.timeout(5):
        readings = await given(folder)
    assert elements(readings) == ["1"]
    assert [said in each for each in told(readings)] == [True]
    assert await given(folder) == []
    assert await given(await opened(tmp_path)) == []


@pytest.mark.parametrize(("make", "said"), [(pipe, "a is a pipe"), (link_out, "Too many levels of symbolic links")])
def test_a_file_that_is_exchanged_after_it_was_looked_at_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    (tmp_path / "in").mkdir()
    make(tmp_path / "in" / "a")
    with pytest.raises((Unreadable, OSError), match=said):
        content._opened("a", tmp_path / "in" / "a", 1.0, follow=False)


async def test_a_folder_and_a_hidden_file_are_nothing_of_their_own(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    (tmp_path / "in" / ".hidden.ASC").write_bytes(export(2))
    (tmp_path / "in" / "sub.ASC").mkdir()
    readings = await given(folder)
    assert (elements(readings), told(readings)) == (["1"], [])


async def test_a_file_that_is_too_large_is_named_and_not_read(tmp_path: Path) -> None:
    folder = await opened(tmp_path, largest_file_mb=0.001)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1).ljust(1001, b"\n"))
    (tmp_path / "in" / "b.ASC").write_bytes(export(2).ljust(1000, b"\n"))
    readings = await given(folder)
    assert elements(readings) == ["2"]
    assert told(readings)[0].startswith("a.ASC is larger than 0.001 MB and is not read; allow it with largest_file_mb")


async def test_a_look_ends_when_it_has_enough_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.files.folder.ENOUGH", 2)
    folder = await opened(tmp_path)
    for n in range(3):
        (tmp_path / "in" / f"{n}.ASC").write_bytes(export(n))
    assert [elements(await given(folder)) for _ in range(3)] == [["0", "1"], ["2"], []]


async def test_a_look_ends_when_it_has_taken_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    folder = await opened(tmp_path, clock=clock)
    for n in range(2):
        (tmp_path / "in" / f"{n}.ASC").write_bytes(export(n))
    slow = content.read_whole

    def slowly(*arguments: object, **named: object) -> bytes:
        clock.step(6)
        return slow(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("drivers.files.folder.read_whole", slowly)
    assert [elements(await given(folder)) for _ in range(3)] == [["0"], ["1"], []]


def failing(*_: object) -> bool:
    """What somebody's format may do."""
    raise RuntimeError("not today")


def nothing(*_: object) -> None:
    """Not what a format gives."""


def rejecting(what: object) -> object:
    """A format that rejects something odd."""

    def parse(name: str, data: bytes, options: object) -> FileReadings:
        found = new(name, "odd", data)
        found.rejected.append(what)  # type: ignore[arg-type]
        return found

    return parse


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"parse": failing}, "a.ASC cannot be read: the format odd failed (RuntimeError: not today)."),
        ({"detect": failing}, "a.ASC cannot be read: the format odd failed (RuntimeError: not today)."),
        ({"parse": nothing}, "a.ASC cannot be read: the format odd failed (it gave a NoneType, not FileReadings)."),
        (
            {"parse": rejecting("x")},
            "a.ASC cannot be read: the format odd failed (it rejected a str, not a Rejected of text and bytes).",
        ),
        (
            {"parse": rejecting(Rejected(Piece(0, "x"), "x"))},
            "a.ASC cannot be read: the format odd failed (it rejected a Rejected, not a Rejected of text and bytes).",
        ),
        ({"parse": rejecting(Rejected(Piece(0, export(1)), "\udcfc"))}, "\\udcfc"),
    ],
)
async def test_a_format_that_fails_is_told_once_for_each_file(
    tmp_path: Path, parts: dict[str, object], said: str
) -> None:
    odd = Format(
        **{"name": "odd", "vendor": "x", "title": "x", "quantities": (Quantity("charge", "C"),),
           "detect": lambda data: True, "parse": WINREMS.parse} | parts
    )  # type: ignore[arg-type] # fmt: skip
    folder = await opened(tmp_path, odd)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    (reading,) = await given(folder)
    assert (reading.note, reading.raw) == (said, export(1))
    assert await given(folder) == []


async def test_settings_are_those_of_every_folder_and_the_formats_own(tmp_path: Path) -> None:
    folder = await opened(tmp_path, XSYG, element_from="record-name")
    (tmp_path / "in" / "a.xsyg").write_text(xsyg(GOOD))
    assert elements(await given(folder)) == ["r"]
    assert set(folder_model(XSYG).settings.model_fields) == {
        "journal", "settle_s", "give_up_s", "poll_interval_s", "largest_file_mb", "element_from",
    }  # fmt: skip
    assert folder_model(XSYG).transports == ("dir:PATH",)


@pytest.mark.parametrize("resource", ["/srv/tld", "dir:", "tcp:1.2.3.4:5"])
def test_a_resource_that_is_no_folder_is_refused(resource: str) -> None:
    model = folder_model(WINREMS)
    with pytest.raises(Misuse, match=f"give dir:PATH, not '{resource}'"):
        FolderInstrument(model, resource, model.settings())  # type: ignore[arg-type]


async def test_a_folder_that_is_missing_or_goes_is_a_lost_link(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    (tmp_path / "in").rmdir()
    with pytest.raises(LinkDown, match="There is no folder"):
        await folder.open()
    (tmp_path / "in").mkdir()
    await folder.open()
    (tmp_path / "in").rmdir()
    with pytest.raises(LinkDown, match="cannot be read: No such file or directory"):
        await folder.take()
