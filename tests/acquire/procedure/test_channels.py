"""Two diodes on one electrometer: each charge is of its own channel, from the plan to the record, and never a sum."""

from __future__ import annotations

import pytest
from cases import diode, diode_point
from scenario_a import published
from worked import GIVEN, Case, WorkedClient, closed_results, expected, limits, run

from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.session import get_session
from acquire.record import build, html
from acquire.store.attribution import measurement
from acquire.terminal.results import print_results
from drivers import Settings, registry
from drivers.model import Framing, Model, Quantity

TWO = Model(
    name="two-channel", vendor="v", title="t", transports=(), quantities=(Quantity("charge", "C", "running"),),
    settings=Settings, driver=None, channels=("1", "2"), framing=Framing(zero=("zero",)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    known = registry.model
    monkeypatch.setattr(registry, "model", lambda name: TWO if name == TWO.name else known(name))


def two_diodes(at="2", model=TWO.name, **point):
    """D-14 measures C2 on channel 2; D-11 lies beside it on channel 1 and sees another field."""
    case = Case("C")
    case.instrument("electrometer-1", model)
    diode(case, "D-14", 3.041, 0.28)
    case.detectors[0]["channel"] = at
    wedge = {"expected": expected(GIVEN["C_c2_exp"], 2.0), "limits": limits(7, 10)}
    diode_point(case, "C2", "D-14", (0.995, 1.003, 1.018), 31.0, **wedge, **point)
    return case


class TwoChannels(WorkedClient):
    """Every reading of channel 2 is followed by one of channel 1, which reads three times as much."""

    named = True

    def __init__(self, connection):
        super().__init__(connection)
        self.beam = {"c2": GIVEN["C_c2_m"]}
        self.says["electrometer-1"] = {**published(TWO.name), "serial": "electrometer-1"}

    async def command(self, instrument, name, parameters):
        kept = parameters if self.named else {k: v for k, v in parameters.items() if k != "channel"}
        return await super().command(instrument, name, kept)

    def put(self, instrument, entries):
        doubled = []
        for entry in entries:
            if entry["kind"] == "marker":
                doubled.append(entry)
            else:
                doubled += [{**entry, "channel": "2"}, {**entry, "channel": "1", "value": 3 * entry["value"]}]
        return super().put(instrument, doubled)


async def session_of(connection, client, case):
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session


@pytest.mark.parametrize("case", [two_diodes(), two_diodes(at=None, channel="2"), two_diodes(channel="2")])
async def test_the_charge_of_a_point_is_that_of_its_own_channel(connection, case):
    session = await session_of(connection, TwoChannels(connection), case)
    output = closed_results(connection, session)["C2"]
    assert 100 * output["dose_gy"] == pytest.approx(GIVEN["C_c2_D"], rel=1e-9)
    assert output["channel"] == "2"
    taken = [measurement(connection, a.measurement) for a in attempts(connection, session)]
    assert {r.body["channel"] for view in taken for r in view.readings} == {"2"}
    assert [view.channel for view in taken] == ["2", "2"]
    assert verify_store(connection) == []


async def test_record_page_and_table_name_the_channel(connection, capsys):
    session = await session_of(connection, TwoChannels(connection), two_diodes())
    closed_results(connection, session)
    record = build(connection, session)
    (point,) = record["points"]
    assert point["channel"] == "2"
    assert {e["attempts"][0]["in_force"]["channel"] for e in record["events"]} == {"2"}
    (curve,) = point["evidence"]["curves"]
    assert max(curve["y"]["values"]) - min(curve["y"]["values"]) == pytest.approx(GIVEN["C_c2_m"])
    assert "D-14, channel 2" in html(record)
    print_results([{"point": "C2", "detector": "D-14", **point["result"]}], explain=False)
    assert "C2: measured on channel 2." in capsys.readouterr().out


async def test_a_marker_that_names_no_channel_gives_no_number_where_several_were_read(connection):
    client = TwoChannels(connection)
    client.named = False  # a daemon that leaves the channel out of its markers
    session = await session_of(connection, client, two_diodes())
    output = closed_results(connection, session)["C2"]
    assert output["decision"] == "INVALID"
    assert output["why"][0] == (
        "The measurement of c2 is broken: its readings are of several channels (2, 1) and its begin marker names none."
    )
    assert "dose_gy" not in output


async def test_a_beam_at_the_edge_of_another_channel_is_nothing_to_this_one(connection):
    """Channel 1 goes on rising after the end marker; channel 2 does not."""

    class OtherBeam(TwoChannels):
        def put(self, instrument, entries):
            if all(e["kind"] == "scalar" for e in entries) and self.asked[-1][1] == "end":
                entries = [{**e, "channel": "1"} for e in entries]
                entries[-1]["value"] *= 50
                return WorkedClient.put(self, instrument, entries)
            return super().put(instrument, entries)

    session = await session_of(connection, OtherBeam(connection), two_diodes())
    assert 100 * closed_results(connection, session)["C2"]["dose_gy"] == pytest.approx(GIVEN["C_c2_D"], rel=1e-9)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            two_diodes(at=None),
            "Step c2 does not say which channel of electrometer-1 it measures: give its point or its detector one of"
            " 1, 2.",
        ),
        (two_diodes(at="3"), "Step c2 names channel 3; electrometer-1 has 1, 2."),
        (two_diodes(channel="1"), "Point C2 is on channel 1; the inventory has D-14 on 2."),
        (
            two_diodes(model="keithley-6517b"),
            "Step c2 names channel 2, but electrometer-1 has no channels: leave it out.",
        ),
        (two_diodes(model="keithley-6517"), "electrometer-1: There is no driver for 'keithley-6517'."),
        (two_diodes(at=None, model="winrems"), "Step c2 collects a charge; electrometer-1 is a winrems, which gives"),
    ],
)
def test_a_plan_that_does_not_fit_its_instrument_is_refused_before_anybody_lies_on_the_couch(connection, case, said):
    with pytest.raises(Refused) as refused:
        case.add(connection)
    assert any(sentence.startswith(said) for sentence in refused.value.sentences), refused.value.sentences


async def test_a_background_of_another_channel_is_none(connection):
    """The diode was plugged over between background and beam, and the inventory with it."""
    client = TwoChannels(connection)
    moved = {"background-c2": "1"}

    class Plugged(TwoChannels):
        async def command(self, instrument, name, parameters):
            of = moved.get(parameters.get("step", ""), "2")
            return await WorkedClient.command(
                self, instrument, name, {**parameters, **({"channel": of} if parameters else {})}
            )

    client = Plugged(connection)
    session = await session_of(connection, client, two_diodes())
    output = closed_results(connection, session)["C2"]
    assert output["why"][0] == "The background of background-c2 is of channel 1, not of channel 2."


async def test_what_a_later_version_of_the_driver_says_changes_no_result(connection, monkeypatch):
    session = await session_of(connection, TwoChannels(connection), two_diodes())
    before = closed_results(connection, session)["C2"]
    other = Model(
        name=TWO.name, vendor="v", title="t", transports=(), quantities=(Quantity("charge", "C", "reset"),),
        settings=Settings, driver=None, framing=Framing(before=("reset",)),
    )  # fmt: skip
    monkeypatch.setattr(registry, "model", lambda name: other)
    (again,) = calculate_session(connection, session, "MP-1")
    assert (again.version, again.output.plain()) == (1, before)
    assert again.selection.of.integrates == "running"
    assert verify_store(connection) == []
    kept = attempts(connection, session)[-1].in_force
    assert kept is not None
    assert (kept.model, kept.integrates, kept.framing.zero) == ("two-channel", "running", ("zero",))
    assert get_session(connection, session).inventory.instrument_named("electrometer-1").integrates is None
