"""Formula versions side by side: a result is calculated again by the version it names, a new one by the newest."""

from __future__ import annotations

import dataclasses

import pytest
from test_trends import phantom
from worked import WorkedClient, closed_results, run

from acquire.procedure.methods import registry, releases
from acquire.procedure.results.result import calculate_session, versions
from acquire.procedure.results.verify import verify_store
from acquire.record import build, html

NEXT = "dosimetry 3, procedure 6"
NOW = releases.newest()


async def calculated(connection):
    """A diode on each side and their mean, calculated with the formulas that are here."""
    case, client = phantom(), WorkedClient(connection)
    client.beam = {"ent-1": 69.47, "exi-1": 39.74}
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session, closed_results(connection, session)


@pytest.fixture
def released(monkeypatch):
    """A second release, in which the made-up formula of the diode gives one percent more; nothing else changed."""

    def now() -> None:
        old = registry.method_of("diode")

        def one_percent_more(needs, measured):
            dose = old.dose(needs, measured)
            return dataclasses.replace(dose, value_gy=1.01 * dose.value_gy, formula_version="3")

        monkeypatch.setattr(releases, "RELEASES", (*releases.RELEASES, NEXT))
        monkeypatch.setitem(
            registry._KNOWN, "diode", (dataclasses.replace(old, dose=one_percent_more, since=NEXT), old)
        )

    return now


async def test_an_old_result_stays_what_it_was_and_a_new_one_is_made_beside_it(connection, released):
    session, before = await calculated(connection)
    released()
    assert verify_store(connection) == []
    calculate_session(connection, session, "MP-1")
    assert verify_store(connection) == []
    for point in ("ent", "exi", "mid"):  # the mean of two that changed changes too, though its own formula did not
        old, new = versions(connection, session, point)
        assert (old.formula, new.formula) == (NOW, NEXT)
        assert old.output.plain() == before[point]
        assert new.output.dose_gy == pytest.approx(1.01 * before[point]["dose_gy"])


async def test_what_another_formula_does_not_change_is_no_new_version(connection, released):
    session, _ = await calculated(connection)
    released()
    registry._KNOWN["diode"] = registry._KNOWN["diode"][1:]  # a release that changed some other method
    calculate_session(connection, session, "MP-1")
    assert [r.formula for r in versions(connection, session, "ent")] == [NOW]


async def test_the_record_shows_both_side_by_side_with_what_changed(connection, released):
    session, before = await calculated(connection)
    released()
    calculate_session(connection, session, "MP-1")
    record = build(connection, session)
    first, second = next(p for p in record["points"] if p["id"] == "ent")["versions"]
    assert (first["calculated_with"], second["calculated_with"]) == (NOW, NEXT)
    assert first["changed"] == []
    changed = {each["what"]: (each["was"], each["now"]) for each in second["changed"]}
    assert changed["formula"] == (NOW, NEXT)
    assert changed["formula_version"] == ("2", "3")
    assert changed["dose_gy"] == (before["ent"]["dose_gy"], second["dose_gy"])
    assert not any(what.startswith("inputs") for what in changed)
    page = html(record)
    assert f"formula {NOW} → {NEXT}" in page
    assert "Versions of this result side by side" in page


async def test_a_version_that_is_no_more_here_is_said_and_not_guessed(connection, released, monkeypatch):
    session, _ = await calculated(connection)
    released()
    monkeypatch.setattr(releases, "RELEASES", (NEXT,))
    said = [each for each in verify_store(connection) if " ent " in each]
    assert said == [
        f"Result ent v1 of session {session} was calculated with '{NOW}', which is not here; this program"
        f" has '{NEXT}' and cannot repeat it."
    ]


def test_a_method_that_came_later_is_in_no_earlier_release(released, monkeypatch):
    released()
    newest = registry.method_of("diode")
    monkeypatch.setitem(registry._KNOWN, "later", (dataclasses.replace(newest, name="later"),))
    with pytest.raises(LookupError, match=f"There was no method 'later' in '{NOW}'"):
        registry.method_of("later", NOW)
    assert registry.method_of("diode", NOW) is registry._KNOWN["diode"][1]
