"""Orders as servers export them in FHIR: what is taken, what is refused in a sentence, and whose order it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.servicerequest import ServiceRequest as ServiceRequestR5

from acquire.errors import FileProblem
from acquire.orders import Request, Site, read_request
from acquire.orders.physician import V2_DEGREE, Physicians, title

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
FIELD_CASES = next(
    (p for up in Path(__file__).parents if (p := up.parent / "shared" / "cases" / "field").is_dir()), None
)
ROLE = "http://terminology.hl7.org/CodeSystem/practitioner-role"
RECORD_NUMBER = {
    "type": {"coding": [{"code": "MR"}]}, "system": "urn:example:hospital", "value": "MRN-EXAMPLE-1",
}  # fmt: skip
NPI = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
ELSEWHERE = "https://ehr.example/fhir/Practitioner/7"
ENDED = ("do-not-perform", "implicit-rules", "occurrence-2020")
EMPTY = (
    ".",
    "n/a",
    "See chart",
    "Prostate. PROSTATE!",
    "pacemaker",
    "1 2 3",
    "x x y",
    "Please see the chart for details.",
)
EMPTY += ("medically necessary per MD order", "In vivo dosimetry is requested for this patient.")
STANDING = ("Standing order.", "Per department standing order for all IMRT patients", "requested for every patient")
NOT_R4 = ("2026-03-02T08:10:00", "#nobody")  # what somebody else's models refuse by themselves
PLACER = {"type": {"coding": [{"code": "PLAC"}]}, "system": "urn:example:orders", "value": "ORD-X-1"}


def request(**changes: Any) -> dict[str, Any]:
    """An order in R4 by Practitioner/RO-9, of whom nothing more is said; None takes a key out."""
    made: dict[str, Any] = {
        "resourceType": "ServiceRequest", "id": "x1", "identifier": [PLACER], "status": "active", "intent": "order",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "77331"}], "text": "two tangents"},
        "subject": {"reference": "Patient/example-x"}, "authoredOn": "2026-03-02T08:10:00-05:00",
        "requester": {"reference": "Practitioner/RO-9"},
        "note": [{"text": "Necessity: abutting fields. Result decides whether MU are rescaled."}],
    }  # fmt: skip
    return {key: value for key, value in (made | changes).items() if value is not None}


def by(*codes: dict[str, Any], **role: Any) -> dict[str, Any]:
    """The same by a contained PractitionerRole with these codes."""
    contained = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/RO-9"}}
    return request(contained=[contained | {"code": list(codes)} | role], requester={"reference": "#r"})


def read(document: dict[str, Any], site: Site | None = None, judge: type[Any] | None = ServiceRequest) -> Request:
    """What our reader makes of it, after somebody else's models found it sound."""
    if judge is not None:
        judge.model_validate_json(json.dumps(document))
    return read_request(json.dumps(document).encode(), "o.json", NOW, site)


def refused(document: dict[str, Any], judge: type[Any] | None = ServiceRequest) -> str:
    with pytest.raises(FileProblem) as caught:
        read(document, judge=judge)
    (sentence,) = caught.value.sentences
    assert sentence.startswith("o.json: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return str(sentence)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"doNotPerform": True}, "not to be done"),
        ({"implicitRules": "http://example.org/r"}, "implicitRules"),
        ({"modifierExtension": [{"url": "http://example.org/not", "valueBoolean": True}]}, "http://example.org/not"),
        ({"status": "on-hold"}, "'on-hold'"),
        ({"intent": "plan"}, "'plan'"),
        ({"occurrencePeriod": {"start": "2020-01", "end": "2020-02"}}, "is over"),
        ({"occurrenceDateTime": "2026-03-01"}, "is over"),
        ({"subject": {"reference": "Group/all"}}, "is a Group"),
        ({"subject": {"display": "Anna Example"}}, "no subject reference"),
        ({"authoredOn": "2026-03-02T08:10:00"}, "no offset"),
        ({"authoredOn": "2026-03-04T08:10:00Z"}, "in the future"),
        ({"identifier": [RECORD_NUMBER], "id": None}, "no number of its own"),
        ({"identifier": [PLACER, PLACER | {"value": "ORD-X-2"}]}, "several placer numbers"),
        ({"requester": {"reference": "RelatedPerson/1"}}, "is a RelatedPerson"),
        ({"requester": {"reference": "https://ehr.example/fhir/Device/linac"}}, "is a Device"),
        ({"requester": {"reference": "#nobody"}}, "nothing of that id"),
        ({"subject": {"reference": "Patient/1", "type": "Group"}}, "they name two kinds"),
        ({"requester": {"reference": "Practitioner/77", "type": "Device"}}, "they name two kinds"),
        ({"occurrenceDateTime": "2026-03-05", "occurrencePeriod": {"end": "2020-02-01"}}, "in several ways"),
        *(({"note": [{"text": f"Necessity: {need}"}]}, "says nothing") for need in EMPTY),
        ({"note": [{"text": "Necessity: in vivo dose\nin vivo dose"}]}, "'in vivo dose in vivo dose' says"),
        *(({"note": [{"text": f"Necessity: {need}"}]}, "a standing order, and none for this") for need in STANDING),
    ],
)  # fmt: skip
def test_what_cannot_be_an_order_is_one_plain_sentence(changes: dict[str, Any], word: str) -> None:
    not_r4 = (*NOT_R4, "2020-02")
    judge = None if any(each in json.dumps(changes) for each in not_r4) else ServiceRequest
    assert word in refused(request(**changes), judge)


@pytest.mark.parametrize("need", ["Hip prosthesis; see standing order", "All of the patient's junctions abut"])
def test_a_need_that_says_more_than_empty_words_is_one(need: str) -> None:
    assert read(request(note=[{"text": f"Necessity: {need}"}])).order.necessity == need


def test_a_bundle_that_deletes_or_tells_of_the_past_is_no_order() -> None:
    entry = {"resource": request(), "request": {"method": "DELETE", "url": "ServiceRequest/x1"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert "acquire order cancel" in refused(bundle, Bundle)
    past = {"resource": request(), "request": {"method": "PUT", "url": "ServiceRequest/x1"}}
    past |= {"response": {"status": "200"}, "fullUrl": "https://ehr.example/fhir/ServiceRequest/x1"}
    assert "what was, not what is" in refused(bundle | {"type": "history", "entry": [past]}, Bundle)


@pytest.mark.parametrize(
    "number",
    [
        {"type": {"text": "MRN"}, "value": "0012345"}, {"system": "http://hospital.example/mrn", "value": "0012345"},
        {"system": "urn:example:hospital", "value": "0012345"}, {"use": "old", "value": "0012345"},
    ],
)  # fmt: skip
def test_a_number_of_the_patient_is_never_that_of_the_order(number: dict[str, Any]) -> None:
    of = {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:example:hospital", "value": "77"}]}
    document = request(contained=[of], subject={"reference": "#p"}, identifier=[number])
    assert read(document).order.id == "x1"
    own = {"identifier": [PLACER | {"value": "77"}]}
    assert "the patient's own number" in refused(document | own)
    assert "the patient's own number" in refused(request(identifier=None, id="example-x"))


def test_what_modifies_the_requester_is_not_ignored_either() -> None:
    doctor = {"coding": [{"system": ROLE, "code": "doctor"}]}
    assert "PractitionerRole has a modifierExtension" in refused(
        by(doctor, modifierExtension=[{"url": "http://x", "valueCode": "y"}])
    )
    assert "not active any more" in refused(by(doctor, active=False))
    assert "role has ended" in refused(by(doctor, period={"end": "2025-12-31"}))


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": ROLE, "code": "doctor"}]},
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "code": "PHYS"}]},
        {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.101", "code": "2085R0001X"}]},
        {"coding": [{"system": "http://snomed.info/sct", "code": "309295000"}]},
        {"coding": [{"system": "http://snomed.info/sct", "code": "99999", "display": "Radiation oncologist"}]},
        {"text": "Attending Physician, Radiation Oncology"}, {"text": "Leitender Oberarzt für Strahlentherapie"},
        {"text": "médecin radiothérapeute"}, {"text": "Dr. med."}, {"text": "Doctor of Medicine"},
    ],
)  # fmt: skip
def test_a_physician_is_known_by_code_display_or_text(code: dict[str, Any]) -> None:
    order = read(by({"text": "Chief"}, code)).order
    assert order.requester == "RO-9"
    assert order.requester_role is not None
    assert order.lacks == ()


@pytest.mark.parametrize(
    "codes",
    [
        [{"text": "physician assistant"}], [{"text": "nurse to the oncologist"}],
        [{"text": "Secretary of Dr. Example"}], [{"text": "staff of treating oncologist"}], [{"text": "Dr."}],
        [{"text": "Medical staff for the physician"}], [{"text": "Medical staff for physician"}],
        [{"coding": [{"system": ROLE, "code": "doctor"}], "text": "Clinical staff of oncologist"}],
        [{"text": "friend of the oncologist"}], [{"text": "medical physicist"}], [{"text": "Head of department"}],
        [{"coding": [{"system": ROLE, "code": "nurse"}]}],
        [{"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "363A00000X"}]}],
        [{"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "2085R0205X"}]}],
        [{"coding": [{"system": ROLE, "code": "doctor"}], "text": "physician assistant"}],
    ],
)  # fmt: skip
def test_who_is_none_is_not_made_one_by_a_word_in_a_text(codes: list[dict[str, Any]]) -> None:
    assert "only the treating physician can order, this stays a draft" in refused(by(*codes))


def test_the_site_extends_the_list_by_codes_and_titles() -> None:
    physicians = Physicians(frozenset({("urn:example:roles", "17")}), frozenset({title("Head of Department")}))
    for code in ({"text": "head of department"}, {"coding": [{"system": "urn:example:roles", "code": "17"}]}):
        assert read(by(code), Site(physicians)).order.requester_role


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ({"reference": "Practitioner/RO-9/_history/3"}, "RO-9"),
        ({"reference": f"{ELSEWHERE}/_history/2"}, ELSEWHERE),
        ({"reference": f"Practitioner?identifier={NPI['system']}|99"}, f"{NPI['system']}|99"),
        ({"identifier": {"system": "urn:example:staff", "value": "RO-9"}, "type": "Practitioner"}, "RO-9"),
        ({"reference": "urn:uuid:0a6c"}, "urn:uuid:0a6c"),
    ],
)  # fmt: skip
def test_a_reference_is_resolved_or_kept_whole(reference: dict[str, Any], name: str) -> None:
    order = read(request(requester=reference)).order
    assert order.requester == name
    assert order.lacks == ("The order does not state that its requester is the treating physician.",)


def test_an_organization_is_kept_as_such_and_is_no_physician() -> None:
    order = read(request(requester={"reference": "Organization/radonc"})).order
    assert (order.requester, order.requester_type, order.requester_role) == ("radonc", "Organization", None)
    assert "is no physician" in order.lacks[0]


def test_a_contained_practitioner_is_known_by_the_provider_number_and_qualification() -> None:
    person = {
        "resourceType": "Practitioner", "id": "p",
        "identifier": [{"system": "urn:example:staff", "value": "9"}, NPI],
        "qualification": [{"code": {"coding": [{"system": f"{V2_DEGREE}|2.7", "code": "MD"}]}}],
    }  # fmt: skip
    order = read(request(contained=[person], requester={"reference": "#p"})).order
    assert (order.requester, order.requester_role) == ("1234567893", "MD")


def test_a_bundle_with_one_order_brings_requester_and_patient_along() -> None:
    patient = {
        "resourceType": "Patient", "id": "p", "identifier": [RECORD_NUMBER], "birthDate": "1960-01-01",
        "name": [{"family": "Example", "given": ["Anna"]}],
    }  # fmt: skip
    role = {
        "resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "urn:uuid:d"},
        "code": [{"coding": [{"system": ROLE, "code": "doctor"}]}],
    }  # fmt: skip
    entries = [
        ("urn:uuid:o", request(subject={"reference": "urn:uuid:p"}, requester={"reference": "urn:uuid:r"})),
        ("urn:uuid:p", patient), ("urn:uuid:r", role),
        ("urn:uuid:d", {"resourceType": "Practitioner", "id": "d", "identifier": [NPI]}),
    ]  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": u, "resource": r} for u, r in entries],
    }
    found = read(bundle, judge=Bundle)
    assert (found.order.requester, found.order.lacks) == ("1234567893", ())
    assert [each.value for each in found.identity.identifiers] == ["MRN-EXAMPLE-1"]
    assert (found.identity.name, found.identity.birth_date) == ("Anna Example", "1960-01-01")
    assert b"EXAMPLE" not in found.order.body().upper()
    BundleR5.model_validate_json(json.dumps(bundle | {"entry": []}))
    assert "holds 2 orders" in refused(bundle | {"entry": [bundle["entry"][0]] * 2}, None)
    assert "implicitRules" in refused(bundle | {"implicitRules": "http://example.org/r"}, Bundle)


def test_the_shapes_of_r5_say_the_same() -> None:
    old = read(request(reasonCode=[{"text": "abutting fields"}], note=None, supportingInfo=[{"display": "CT"}])).order
    code = {"concept": request()["code"]}
    new = request(
        code=code, note=None, reason=[{"concept": {"text": "abutting fields"}}],
        supportingInfo=[{"concept": {"text": "CT"}}],
    )  # fmt: skip
    assert read(new, judge=ServiceRequestR5).order == old
    assert old.necessity == "abutting fields"
    assert old.history == ("CT",)


def test_cpt_has_two_names_and_a_byte_order_mark_is_none() -> None:
    coding = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.12", "code": "77331"}]}
    body = b"\xef\xbb\xbf" + json.dumps(request(code=coding)).encode()
    assert read_request(body, "o.json", NOW).order.id == "ORD-X-1"


def test_of_a_clock_that_shows_an_hour_twice_the_later_one_counts() -> None:
    site = Site(zone=ZoneInfo("America/New_York"))
    order = read(request(authoredOn="2025-11-02T01:30:00"), site, judge=None).order
    assert order.authored_on.astimezone(UTC) == datetime(2025, 11, 2, 6, 30, tzinfo=UTC)


def test_a_time_that_is_to_come_is_held_against_the_day_of_measuring() -> None:
    order = read(request(occurrencePeriod={"start": "2026-04-01", "end": "2026-04-30"})).order
    assert order.outside(datetime(2026, 3, 20, tzinfo=UTC)) is not None
    assert order.outside(datetime(2026, 4, 15, tzinfo=UTC)) is None
    assert order.outside(datetime(2026, 5, 3, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"resourceType": "ServiceRequest", "doNotPerform": true, "doNotPerform": false}', "twice"),
        (b'{"a": ' * 60 + b"1" + b"}" * 60, "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"resourceType": "ServiceRequest", "x": NaN}', "NaN"),
        (json.dumps(request(id="a\u200bb", identifier=None)).encode(), "U+200B"),
        (json.dumps(request(contained=[{"id": []}])).encode(), "id is not as FHIR has it"),
        (json.dumps(request(occurrenceTiming={"event": 7})).encode(), "a list of texts is wanted"),
        (json.dumps(request(status=["active"])).encode(), "status is not as FHIR has it"),
        (b'{"resourceType": "Observation"}', "Observation"),
    ],
)  # fmt: skip
def test_hostile_json_is_refused_within_bounds(body: bytes, word: str) -> None:
    with pytest.raises(FileProblem, match=word.replace("+", r"\+")):
        read_request(body, "o.json", NOW)


@pytest.mark.skipif(FIELD_CASES is None, reason="the field cases lie beside the repository of those who have them")
def test_the_field_cases_come_out_as_their_readme_says() -> None:
    assert FIELD_CASES is not None
    taken = {}
    for file in sorted(FIELD_CASES.glob("fhir-*/*.json")):
        try:
            found = read_request(file.read_bytes(), file.name).order
            assert found.id == "ORD-A-1"
            taken[file.stem] = found.lacks == ()
        except FileProblem:
            taken[file.stem] = None
    good = {
        "bom",
        "bundle",
        "cpt-oid",
        "filler-first",
        "mrn-first",
        *(name for name in taken if name.startswith("good")),
    }
    assert all(taken[name] for name in good)
    assert {name: said for name, said in taken.items() if not said} == {
        "do-not-perform": None, "implicit-rules": None, "occurrence-2020": None, "wrong-contained-practitioner": False,
        "wrong-device": None, "wrong-nurse": None, "wrong-patient": None, "wrong-physician-assistant": None,
        "wrong-synthea": False,
    }  # fmt: skip
