"""RT Plans written by pydicom, and files that are cut, hostile, of another kind or not approved."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from rt_plans import beam, electrons, flattening_free, high_dose_rate, item, plan, referenced, tangents, written

from acquire.errors import FileProblem
from acquire.rtplan import LARGEST, read_rt_plan


@pytest.mark.parametrize("implicit", [False, True])
def test_photon_beams_with_what_the_fraction_group_says(implicit):
    found = read_rt_plan(written(tangents(), implicit=implicit), "plan.dcm")
    assert (found.label, found.fractions, found.approval) == ("C v2", 25, "APPROVED")
    assert found.approved_at == "20270201 101500"
    medial, lateral, arc = found.beams
    assert (medial.number, medial.name, medial.machine, medial.quality) == (1, "medial", "LA-1", "6 MV")
    assert (medial.mu, medial.ssd_cm, medial.gantry, medial.is_arc) == (122.0, 94.6, (308.0, 308.0), False)
    assert (medial.dose_gy, medial.dose_point_mm, medial.depth_cm) == (1.02, (10.0, -20.0, 5.5), 5.2)
    assert (lateral.wedges, lateral.dose_point_mm) == (("W30 30°",), None)
    assert (arc.is_arc, arc.gantry, arc.ssd_cm) == (True, (181.0, 179.0), None)
    assert found.left_out == ("kV set-up",)
    assert (found.references[0].description, found.references[0].prescribed_gy) == ("chest wall", 50.0)


def test_electrons_with_their_applicator_and_a_beam_without_flattening_filter():
    (one,) = read_rt_plan(written(electrons()), "iort.dcm").beams
    assert (one.quality, one.applicator, one.mu) == ("9 MeV", "IORT 5 cm ELECTRON_CIRC", 1500.0)
    (free,) = read_rt_plan(written(flattening_free()), "fff.dcm").beams
    assert (free.quality, free.fff) == ("6 MV FFF", True)


def test_brachytherapy_has_its_source_and_the_seconds_of_each_dwell():
    found = read_rt_plan(written(high_dose_rate()), "hdr.dcm")
    (source,), (channel,) = found.sources, found.channels
    assert (source.isotope, source.strength_u, source.half_life_d) == ("Ir-192", 40000.0, 73.83)
    assert source.strength_at == "20270119 120000"
    assert channel.total_s == 380.0
    assert [(p, round(s, 6)) for p, s in channel.dwells] == [(1200.0, 152.0), (1205.0, 114.0), (1210.0, 114.0)]


@pytest.mark.parametrize("approval", ["UNAPPROVED", "REJECTED", None])
def test_a_plan_that_is_not_approved_is_refused(approval):
    with pytest.raises(FileProblem, match="only an APPROVED plan is measured against"):
        read_rt_plan(written(tangents(approval=approval)), "plan.dcm")


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: plan([beam(1, "x")], [], SOPClassUID="1.2.840.10008.5.1.4.1.1.481.8"), "an RT Ion Plan"),
        (lambda: plan([beam(1, "x")], [], SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), "no DICOM RT Plan"),
        (lambda: plan([beam(1, "x", RadiationType="PROTON")], []), "beam x is of PROTON"),
        (lambda: plan([beam(1, "x", PrimaryDosimeterUnit="MINUTE")], []), "metered in MINUTE"),
        (lambda: plan([beam(1, "x"), beam(1, "y")], []), "BeamNumber stands more than once"),
        (lambda: plan([beam(1, "x", TreatmentDeliveryType="SETUP")], []), "no treatment beam"),
        (
            lambda: plan([beam(1, "x")], [], FractionGroupSequence=[item(FractionGroupNumber=n) for n in (1, 2)]),
            "2 frac",
        ),
        (
            lambda: plan([beam(n, "x", ControlPointSequence=None) for n in range(2001)], []),
            "2001 items; more than 2000",
        ),
        (lambda: high_dose_rate(total_s=0.0), "ChannelTotalTime must be a number above 0"),
        (lambda: high_dose_rate(SourceSequence=[]), "names a source that is not there"),
    ],
)
def test_what_is_not_read_is_a_sentence(made, sentence):
    with pytest.raises(FileProblem, match=sentence):
        read_rt_plan(written(made()), "plan.dcm")


@pytest.mark.parametrize("text", ["nan", "inf", "1e300", "six"])
def test_a_number_that_is_none_never_becomes_one(text):
    body = written(plan([beam(1, "x")], [referenced(1, 77.125)]))
    swapped = body.replace(b"77.125", text.ljust(6).encode())
    with pytest.raises(FileProblem, match=r"BeamMeterset|cannot be read"):
        read_rt_plan(swapped, "plan.dcm")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "no DICOM file"),
        (b"schema = 1\n" * 50, "no DICOM file"),
        (b"\0" * (LARGEST + 1), "which no RT Plan has"),
        (b"\0" * 128 + b"DICM", "no DICOM RT Plan|cannot be read"),
        (
            b"\0" * 128 + b"DICM" + b"\x0a\x30\xb0\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 3000,
            "plan.dcm",
        ),
    ],
    ids=["empty", "text", "huge", "bare", "nested"],
)
def test_what_is_no_rt_plan_is_a_sentence(body, sentence):
    with pytest.raises(FileProblem, match=sentence):
        read_rt_plan(body, "plan.dcm")


def test_a_packed_file_is_refused_before_it_is_unpacked():
    with pytest.raises(FileProblem, match="packed"):
        read_rt_plan(written(tangents(), deflated=True), "plan.dcm")


def test_a_file_that_is_cut_or_has_flipped_bytes_never_gives_a_traceback():
    whole = written(tangents())
    chance = random.Random(7)
    for n in range(120):
        body = bytearray(whole[: chance.randrange(140, len(whole))] if n % 2 else whole)
        for _ in range(chance.randrange(4)):
            body[chance.randrange(132, len(body))] = chance.randrange(256)
        with suppress(FileProblem):
            found = read_rt_plan(bytes(body), "plan.dcm")
            assert all(b.mu is None or b.mu < 1e9 for b in found.beams)
