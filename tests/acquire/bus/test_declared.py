"""The fields of readings and messages are declared once: schema, decoder and bytes follow from the struct."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from acquire.bus.codec import ReadingStruct
from acquire.bus.contract import json_schemas
from acquire.bus.messages import NOT_ATTACHED
from drivers import Reading

ROOT = Path(__file__).parents[3]
READING = "drivers/reading.py", '    raw: Annotated[bytes, RAW] = b""\n'
LINE = '    humidity: Annotated[NotNegative | None, says("of the air, in percent")] = None\n'
USE = """
import json
from acquire.bus.codec import encode_reading, reading_decoder
from acquire.bus.contract import json_schemas
from acquire.instruments.entries import reading_body
from drivers.reading import Sample, at_host

body = reading_body(at_host(Sample(quantity="charge", unit="C", humidity=45.5), b"+1", "t", 1.0))
decoded = reading_decoder.decode(body)
schemas = json_schemas()
print(json.dumps({
    "body": json.loads(body),
    "decoded": decoded.humidity,
    "canonical": encode_reading(decoded) == body,
    "entry": schemas["readings-1.json"]["$defs"]["ReadingEntry"],
    "batch": schemas["batch-1.json"]["$defs"]["ReadingEntry"],
    "attached": schemas["event-1.json"]["$defs"]["AttachedReading"],
}))
"""


OF_A_BATCH = "acquire/bus/noloss.py", "    parts: list[Any]\n"
OF_A_BATCH_LINE = '    zone: Annotated[str | None, says("where the host is")] = None\n'
OF_A_BATCH_USE = """
import json
from acquire.bus.contract import json_schemas
from acquire.store.envelope import opened_batch

said = {"schema": "batch/1", "source": "s", "ask": "a", "epoch": None, "parts": [], "zone": "north"}
print(json.dumps({"zone": opened_batch(json.dumps(said).encode()).zone, "schema": json_schemas()["batch-1.json"]}))
"""


def with_a_line_more(tmp_path: Path, where: tuple[str, str], line: str, use: str) -> Any:
    """What `use` prints with a copy of the packages that has the line behind that one, in another interpreter."""
    for package in ("acquire", "drivers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    declaration, after = where
    source = (tmp_path / declaration).read_text()
    assert source.count(after) == 1
    (tmp_path / declaration).write_text(source.replace(after, after + line))
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: PLW1510 - what it says on stderr is shown below
        [sys.executable, "-c", use], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_new_field_of_a_message_is_one_line(tmp_path: Path) -> None:
    got = with_a_line_more(tmp_path, OF_A_BATCH, OF_A_BATCH_LINE, OF_A_BATCH_USE)
    assert got["zone"] == "north"
    field = got["schema"]["properties"]["zone"]
    assert field == {
        "anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "description": "where the host is",
    }  # fmt: skip


def test_a_new_field_of_a_reading_is_one_line(tmp_path: Path) -> None:
    got = with_a_line_more(tmp_path, READING, LINE, USE)
    assert (got["body"]["humidity"], got["decoded"], got["canonical"]) == (45.5, 45.5, True)
    for schema in (got["entry"], got["batch"], got["attached"]):
        field = schema["properties"]["humidity"]
        assert field["anyOf"] == [{"minimum": 0, "type": "number"}, {"type": "null"}]
        assert field["description"] == "of the air, in percent"
        assert "humidity" not in schema["required"]


def test_schema_and_decoder_have_every_field_and_no_other() -> None:
    declared = Reading.__struct_fields__
    entry = json_schemas()["readings-1.json"]["$defs"]["ReadingEntry"]
    assert tuple(entry["properties"]) == declared
    assert ReadingStruct.__struct_fields__ == tuple(sorted(declared))
    required = [field.name for field in msgspec.structs.fields(Reading) if field.required]
    assert entry["required"] == required


def test_an_attached_reading_has_them_without_arrays_and_bytes_and_says_where_it_is() -> None:
    attached = json_schemas()["event-1.json"]["$defs"]["AttachedReading"]
    assert set(NOT_ATTACHED) < set(Reading.__struct_fields__)
    kept = [name for name in Reading.__struct_fields__ if name not in NOT_ATTACHED]
    assert list(attached["properties"]) == [*kept, "stream", "seq"]
    assert attached["required"][-2:] == ["stream", "seq"]
