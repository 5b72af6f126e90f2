"""What a curve says decides whether a dose is made of its sum: refused, with a way out; or doubted, in the result."""

from __future__ import annotations

import numpy as np
import pytest
from cases import case_d
from msgspec.structs import replace
from test_guards_in_sessions import one_chip
from tld_curves import PEAKS_005, TEMPERATURES_005, counted, rate_equation_curve
from worked import READER, WorkedClient, calibration, closed_results, factor, ranged, run

from acquire.errors import FileProblem
from acquire.procedure.methods.output import doubts_of
from acquire.procedure.records.inputs import Inputs
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import exclude
from acquire.record import build, html

KELVIN = np.array(TEMPERATURES_005)
GLOW = rate_equation_curve(KELVIN, PEAKS_005)


def sound(seed: int, scale: float = 10.0) -> np.ndarray:
    return counted(scale * GLOW + 20, seed)


def spiked(seed: int) -> np.ndarray:
    found = sound(seed)
    found[40] += 3000
    return found


def clipped(seed: int) -> np.ndarray:
    return np.minimum(sound(seed), 3000)


def empty(seed: int) -> np.ndarray:
    return counted(0 * GLOW + 20, seed)


def entry(signal: np.ndarray) -> dict:
    """A glow curve as the store has it, beside what WorkedClient.read_records writes of a record."""
    times = (0.25 * np.arange(1, KELVIN.size + 1)).tolist()
    return {
        "kind": "glow-curve", "quantity": "counts", "unit": "{counts}",
        "axes": {
            "time": {"unit": "s", "values": times},
            "temperature": {"unit": "Cel", "values": (KELVIN - 273.15).tolist()},
            "signal": {"unit": "{counts}", "values": signal.tolist()},
        },
    }  # fmt: skip


def chips(n: int = 1, **batch):
    """One point with n chips that are read in counts; 10,000 counts are 1 cGy."""
    case = one_chip("{counts}", "{counts}/cGy")
    case.calibrations.clear()
    rcf = {"rcf": ranged(10_000.0, "{counts}/cGy", 1.5), "background": factor(4000.0, "{counts}")}
    case.calibrations.append(calibration(READER, "6 MV", rcf))
    for number in range(2, n + 1):
        case.points[0]["elements"].append(case.element(f"T-{number}", 1.0, "tld"))
    if n > 1:
        case.points[0] |= {"pair_limit_percent": 50.0, "pair_rule": "both"}
    case.batches[0] |= batch
    return case


async def read(connection, case, signals):
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    for name, signal in signals.items():
        client.read_records(name, float(signal.sum()), entry(signal))
    return session, closed_results(connection, session)["P"]


def found(output, severity):
    return [f["check"] for f in output["quality"] if f["severity"] == severity]


async def test_the_sum_of_a_sound_curve_is_a_dose_and_what_was_not_judged_stands_beside_it(connection):
    session, output = await read(connection, chips(), {"T-1": sound(1)})
    assert 100 * output["dose_gy"] == pytest.approx((sound(1).sum() - 4000) / 10_000)
    assert output["warnings"] == output["remarks"] == []
    assert found(output, "refuse") == found(output, "doubt") == []
    assert {"Nitrogen", "Residue", "Shape", "Light leak", "Pile-up"} <= set(found(output, "not-judged"))
    assert verify_store(connection) == []
    page = html(build(connection, session))
    assert "checks of curves and readers were not made" in page
    assert "Nitrogen is not judged: no limit given (ends_percent)." in page


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (clipped(2), "T-1 is cut off at 3000 for "),
        (empty(2), "T-1 shows no glow above its noise: no dosimeter was read"),
    ],
)
async def test_a_readout_that_holds_no_sum_gives_no_number(connection, signal, said):
    _, output = await read(connection, chips(), {"T-1": signal})
    assert output["decision"] == "INVALID"
    assert "dose_gy" not in output
    assert output["why"][0].startswith(said)
    assert output["why"][0].endswith("No number comes of it, and P has no other element.")
    assert len(found(output, "refuse")) == 1


async def test_the_other_element_of_a_pair_counts_once_two_people_leave_the_clipped_one_out(connection):
    session, output = await read(connection, chips(2), {"T-1": clipped(2), "T-2": sound(3)})
    assert output["why"][0].endswith(
        "two people may leave T-1 out with the reason (acquire session exclude), and T-2 counts."
    )
    exclude(connection, get_session(connection, session), "T-1", "MP-1", "MD-1", "Its curve is clipped.")
    again = {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}["P"]
    assert 100 * again["dose_gy"] == pytest.approx((sound(3).sum() - 4000) / 10_000)
    assert found(again, "refuse") == []
    assert verify_store(connection) == []


async def test_a_doubt_is_a_warning_in_the_result_and_on_the_page(connection):
    session, output = await read(connection, chips(), {"T-1": spiked(1)})
    assert output["warnings"][0].startswith("T-1 has a spike at channel 41 (359 K)")
    assert output["dose_gy"] > 0
    page = html(build(connection, session))
    assert "Remark: T-1 has a spike at channel 41" in page
    assert "Spike, doubt: T-1 has a spike" in page


async def test_the_site_sets_its_limits_in_the_batch(connection):
    session, output = await read(connection, chips(limits={"spike_percent": 90}), {"T-1": spiked(1)})
    assert output["warnings"] == []
    assert "has a spike" not in html(build(connection, session))
    assert 100 * output["dose_gy"] == pytest.approx((spiked(1).sum() - 4000) / 10_000)


async def test_a_temperature_that_was_not_reached_gives_no_number(connection):
    _, output = await read(connection, chips(limits={"set_temperature_c": 290.0}), {"T-1": sound(1)})
    assert output["why"][0].startswith("T-1 was heated to 285.")
    assert "K less than the 290.0 °C set" in output["why"][0]


def test_a_limit_that_there_is_not_is_refused_with_the_plan(connection):
    case = chips(limits={"spike_percents": 3})
    with pytest.raises(FileProblem, match=r"limits: there is no limit 'spike_percents'; did you mean 'spike_percent'"):
        case.add(connection)


async def test_of_a_pair_each_chip_is_named_by_itself(connection):
    _, output = await read(connection, chips(2), {"T-1": spiked(1), "T-2": clipped(3)})
    assert found(output, "doubt") == ["Spike"]
    assert [f["of"] for f in output["quality"] if f["severity"] != "not-judged"] == ["T-2", "T-1"]
    assert len(output["why"]) == 1


async def test_the_mean_of_two_points_carries_the_doubts_of_both():
    none = Inputs(point="P", method="midline", invalid=(), remarks=())
    part = replace(none, doubts=("A has a spike.",))
    whole = replace(none, doubts=("own.",), parts=(part, none, part))
    assert doubts_of(whole) == ["own.", "A has a spike.", "A has a spike."]
    assert doubts_of(none) == []


# --- standards and controls ---


async def batch_d(connection, changed, **limits):
    """Worked case D with a second control, some of its readings changed."""
    case, reads = case_d()
    case.batches[0]["controls"].append(case.element("C-2", 1.0, "tld"))
    reads = [*reads, ("C-2", 1.1 * dict(reads)["C-1"])]
    case.batches[0]["limits"] = limits
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements([(e, changed.get(e, v)) for e, v in reads])
    return case, closed_results(connection, session)["head-R"]


async def test_standards_and_controls_that_differ_give_no_number_once_the_site_has_a_limit(connection):
    case, _ = case_d()
    standard = case.batches[0]["standards"][0]
    _, output = await batch_d(connection, {standard: 0.4, "C-1": 12.0}, standards_percent=10, controls_percent=60)
    assert output["decision"] == "INVALID"
    assert found(output, "refuse") == ["Spread of the standards", "Spread of the controls"]
    assert any(standard in why and "from the median of the standards" in why for why in output["why"])
    assert all(why.endswith("of the same run in the plan's batch.") for why in output["why"])


async def test_those_that_agree_give_their_dose_and_without_a_limit_it_says_so(connection):
    _, output = await batch_d(connection, {}, standards_percent=10, controls_percent=60)
    assert output["dose_gy"] > 0
    assert found(output, "not-judged") == []


async def test_without_a_limit_the_spread_is_said_not_to_be_judged(connection):
    _, output = await batch_d(connection, {})
    said = [f["sentence"] for f in output["quality"]]
    assert said == [
        "Spread of the standards is not judged: no limit given (limits.standards_percent of the plan's batch).",
        "Spread of the controls is not judged: no limit given (limits.controls_percent of the plan's batch).",
    ]
