"""A folder that fails, by its disk or its share: one sentence, nothing hangs, and it is read again when it works."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from faulty_disk import FaultyDisk, on_disk
from reader_files import export, folder_at

from drivers import LinkDown
from drivers.files import beside as module
from drivers.files.beside import beside

FOLDER = """
import asyncio
from pathlib import Path
from reader_files import folder_at
from drivers import LinkDown
place = Path(sys.argv[2])
loop = asyncio.new_event_loop()
folder = folder_at(place)
loop.run_until_complete(folder.open())
def answer(question):
    async def run():
        if question == "open":
            await folder.open()
            return "open"
        readings = await folder.take()
        await folder.confirm()
        return [r.element or r.note for r in readings]
    try:
        return loop.run_until_complete(run())
    except LinkDown as error:
        return str(error)
"""


@pytest.mark.parametrize(
    ("calls", "error"),
    [("list", "EIO"), ("stat", "EACCES"), ("all", "EIO"), ("list,stat", "ESTALE"), ("all", "ENOENT")],
)
def test_a_folder_that_fails_is_a_lost_link_and_is_read_when_it_works_again(
    tmp_path: Path, calls: str, error: str
) -> None:
    disk = FaultyDisk(tmp_path)
    with on_disk(disk, FOLDER, str(tmp_path), finds=Path(__file__)) as ask:
        (tmp_path / "in" / "a.ASC").write_bytes(export(1))
        assert ask("take") == ["1"]
        (tmp_path / "in" / "b.ASC").write_bytes(export(2))
        disk.fails(calls, error, f"{tmp_path}/in")
        disk.fails(calls, error, f"{tmp_path}/in/*")
        for _ in range(2):
            assert isinstance(ask("open"), str)
            assert "folder" in ask("open")
        disk.heals()
        assert ask("open") == "open"
        assert ask("take") == ["2"]


async def test_a_look_that_does_not_come_back_holds_up_nothing_but_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMES_BACK_WITHIN_S", 0.02)
    comes_back = threading.Event()
    first = asyncio.create_task(beside(tmp_path, lambda: comes_back.wait(20)))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    for _ in range(20):
        with pytest.raises(LinkDown, match="does not answer; a look into it has not come back"):
            await beside(tmp_path, lambda: None)
    assert sum(thread.name == f"folder-{tmp_path.name}" for thread in threading.enumerate()) == 1, "not one each time"
    monkeypatch.undo()
    assert await beside(tmp_path / "other", lambda: "other") == "other"
    assert await asyncio.to_thread(lambda: "pool") == "pool"
    comes_back.set()
    assert await beside(tmp_path, lambda: "again") == "again"


async def test_what_work_raises_is_raised_where_it_was_asked_for(tmp_path: Path) -> None:
    def work() -> Any:
        raise LinkDown("as it is")

    with pytest.raises(LinkDown, match="as it is"):
        await beside(tmp_path, work)
    folder = folder_at(tmp_path)
    (tmp_path / "in").rmdir()
    with pytest.raises(LinkDown, match="There is no folder"):
        await folder.open()
