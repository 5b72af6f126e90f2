"""A microdosimetric spectrum through a session: case B's numbers, its cut and flags, and what is refused."""

from __future__ import annotations

import math

import pytest
from cases import case_b, client_b
from worked import GIVEN, closed_results, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.session import get_session
from acquire.procedure.session.spectrum_file import attach_spectrum
from acquire.record import build, html

COLUMNS = "# log bins, 5 per decade\n" + "".join(
    f"{0.1 * 10 ** ((i + 0.5) / 5):.15g} {n}\n" for i, n in enumerate(GIVEN["B_cnt"])
)


def case_with_spectrum(**changes):
    case, reads = case_b()
    case.detector("TEPC-1", "microdosimeter")
    spectrum = {
        "file": "log-columns", "live_s": GIVEN["B_live"], "real_s": GIVEN["B_real"],
        "cut_kev_um": GIVEN["B_cut"], "y0_kev_um": 125.0, "diameter_um": 2.0, "bins_per_decade": 5,
    } | changes  # fmt: skip
    case.point("spec", "spectrum", "Ir-192", detector="TEPC-1", spectrum=spectrum)
    return case, reads


async def with_file(connection, body, **changes):
    case, reads = case_with_spectrum(**changes)
    client = client_b(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements(reads)
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    if body is not None:
        point = get_session(connection, session).plan.point_named("spec")
        attach_spectrum(connection, session, point, "B.txt", body.encode(), "MP-1")
    return session, closed_results(connection, session)


async def test_the_numbers_of_case_b_with_the_cut_beside_them(connection):
    session, outputs = await with_file(connection, COLUMNS)
    output = outputs["spec"]
    found = output["spectrum"]
    assert output["decision"] == "REPORT ONLY"
    assert "dose_gy" not in output
    for key, name in (("y_f", "B_yf"), ("y_d", "B_yd"), ("y_star", "B_ys")):
        assert found[f"{key}_kev_um"] == pytest.approx(GIVEN[name], rel=1e-9)
    assert 1000 * found["z_f_gy"] == pytest.approx(GIVEN["B_zf"], rel=1e-4)  # 0.2040 there
    assert (found["events"], found["bins_cut"]) == (GIVEN["B_tot"], 1)
    assert found["live_over_real"] == pytest.approx(GIVEN["B_lr"])
    assert output["warnings"] == []
    area = sum(found["plot"]["y_d"]) * math.log(10) / 5
    assert area == pytest.approx(1.0)
    assert verify_store(connection) == []
    page = html(build(connection, session))
    assert "188437 events above the cut of 0.1585 keV/µm" in page
    assert "Equal areas are equal dose" in page


async def test_without_the_cut_it_would_be_another_spectrum_and_dead_time_is_flagged(connection):
    _, outputs = await with_file(connection, COLUMNS, cut_kev_um=0.0, live_s=504.0)
    assert outputs["spec"]["spectrum"]["y_f_kev_um"] == pytest.approx(GIVEN["B_yf0"], rel=1e-9)
    assert outputs["spec"]["warnings"] == ["Live/real time is 0.84, below 0.9: dead time or pile-up."]


async def test_a_maestro_file_on_the_scale_of_its_edge(connection):
    counts = [0] * 10 + [round(1e5 / (c * c)) for c in range(10, 400)]
    spe = "$SPEC_ID:\nB\n$MEAS_TIM:\n582 600\n$DATA:\n0 399\n" + "".join(f"{n}\n" for n in counts)
    scale = {"file": "spe", "marker": 2840.0, "y_edge_kev_um": 136.0, "edge_source": "proton edge"}
    _, outputs = await with_file(connection, spe, **scale, live_s=None, real_s=None)
    found = outputs["spec"]["spectrum"]
    kev = 136.0 / 2840.0
    kept = [((c + 0.5) * kev, n) for c, n in enumerate(counts) if (c + 1) * kev > GIVEN["B_cut"]]
    assert found["y_f_kev_um"] == pytest.approx(sum(y * n for y, n in kept) / sum(n for _, n in kept), rel=1e-12)
    assert sum(found["plot"]["y_d"]) > 0


async def test_no_file_no_number(connection):
    _, outputs = await with_file(connection, None)
    assert outputs["spec"]["why"] == ["No spectrum file was given for spec."]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"0.1 5 3\n", "B.txt: Line 1: two columns are expected, there are 3"),
        (b"0.1 nan\n0.2 3\n", "is not one number"),
        (b"0.1 1\n0.2 1\n0.9 1\n", "a constant ratio apart"),
        (b"\xff", "not UTF-8"),
    ],
)
async def test_a_file_that_cannot_be_read_as_planned_is_refused(connection, body, sentence):
    case, _ = case_with_spectrum()
    case.add(connection)
    session = get_session(connection, case.start(connection))
    with pytest.raises(Refused, match=sentence):
        attach_spectrum(connection, session.id, session.plan.point_named("spec"), "B.txt", body, "MP-1")
    with pytest.raises(Refused, match="takes no spectrum file"):
        attach_spectrum(connection, session.id, session.plan.point_named("R1"), "B.txt", COLUMNS.encode(), "MP-1")


def test_a_spectrum_has_no_expected_dose_and_names_its_detector(connection):
    case, _ = case_with_spectrum()
    case.points[-1]["detector"] = None
    with pytest.raises(FileProblem, match="needs spectrum and detector"):
        case.add(connection)
    case.points[-1]["detector"] = "MF-3"
    with pytest.raises(Refused, match="spec: Point spec has method 'spectrum', but MF-3 is a mosfet"):
        case.add(connection)
