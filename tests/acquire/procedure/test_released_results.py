"""Results of every release, kept here as they were stored: each release's formulas give them again, bit for bit.

Whoever changes one of these bytes has changed a formula: it needs a release and a version of its own (ADR 0023), and
results of that release a file here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import case_b, client_b
from worked import closed_results, run

from acquire.canonical import canonical, parse
from acquire.procedure.methods import releases
from acquire.procedure.methods.doses import calculate, parsed_inputs
from acquire.procedure.records.output import output_of
from acquire.procedure.records.selection import selection_of

FOLDER = Path(__file__).parent / "released"


def file_of(release: str) -> Path:
    return FOLDER / f"{release.replace(', ', '-').replace(' ', '-')}.jsonl"


def stored(release: str) -> list[tuple[bytes, bytes]]:
    """(inputs, output) of results as they lay in a store."""
    lines = [json.loads(line) for line in file_of(release).read_text(encoding="utf-8").splitlines()]
    return [(each["inputs"].encode(), each["output"].encode()) for each in lines]


@pytest.mark.parametrize("release", releases.RELEASES)
def test_stored_inputs_give_the_stored_result(release):
    for inputs, output in stored(release):
        assert canonical(calculate(parsed_inputs(parse(inputs), release), release).plain()) == output


@pytest.mark.parametrize("release", releases.RELEASES)
def test_what_was_stored_is_read_and_written_as_it_was(release):
    for inputs, output in stored(release):
        assert canonical(parsed_inputs(parse(inputs), release).plain()) == inputs
        assert canonical(output_of(parse(output)).plain()) == output


@pytest.mark.parametrize("release", releases.RELEASES)
def test_every_method_and_a_refusal_of_each_is_among_them(release):
    found = {(parse(inputs)["method"], parse(output)["decision"] == "INVALID") for inputs, output in stored(release)}
    names = ("chamber", "diode", "midline", "mosfet", "osl", "spectrum", "tld")
    assert found >= {(name, invalid) for name in names for invalid in (False, True)}


async def test_a_selection_is_read_and_written_as_it_was(connection):
    case, reads = case_b()
    client = client_b(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements(reads)
    closed_results(connection, session, over="no console time")
    rows = [row["selection"] for row in connection.execute("SELECT selection FROM result")]
    assert len(rows) == len(case.points)
    for row in rows:
        assert canonical(selection_of(parse(row)).plain()) == row
