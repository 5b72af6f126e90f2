"""Who is a physician by role, degree or title: by all codes and displays, and never by a word inside a text.

A text counts where every word of it is one of a physician's title and one is the title itself: "physician assistant"
and "nurse to the oncologist" hold other words. Nor is he a physician who is of or for one ("staff of the treating
oncologist"), or of whom nobody knows what he is a doctor of ("Dr."). What is known of nobody is no physician; the site
adds its own codes and titles in the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PRACTITIONER_ROLE = "http://terminology.hl7.org/CodeSystem/practitioner-role"
V3_ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
V2_DEGREE = "http://terminology.hl7.org/CodeSystem/v2-0360"
NUCC = "http://nucc.org/provider-taxonomy"
SNOMED = "http://snomed.info/sct"
_NAMES = {  # the same systems under other names
    "http://hl7.org/fhir/practitioner-role": PRACTITIONER_ROLE,
    "urn:oid:2.16.840.1.113883.5.110": V3_ROLE_CLASS,
    "urn:oid:2.16.840.1.113883.6.101": NUCC,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
}
_YES = {  # HL7 terminology; SNOMED CT as in published FHIR examples; v2 table 0360
    (PRACTITIONER_ROLE, "doctor"), (V3_ROLE_CLASS, "PHYS"), (V2_DEGREE, "MD"), (V2_DEGREE, "DO"),
    (SNOMED, "309343006"), (SNOMED, "309295000"),
}  # fmt: skip
_NO = {
    (PRACTITIONER_ROLE, "nurse"), (PRACTITIONER_ROLE, "pharmacist"), (PRACTITIONER_ROLE, "ict"), (V2_DEGREE, "PA"),
    (V2_DEGREE, "NP"), (V2_DEGREE, "RN"), (V2_DEGREE, "CNP"), (SNOMED, "224535009"),
    (NUCC, "2085R0205X"),  # radiological physics
}  # fmt: skip
_NUCC_PHYSICIANS = re.compile(r"20[2478][0-9A-Z]{6}X")  # allopathic and osteopathic physicians (202, 204, 207, 208)
_TITLE_WORDS = """
physician doctor md oncologist radiooncologist
arzt ärztin facharzt fachärztin oberarzt oberärztin chefarzt chefärztin radioonkologe radioonkologin strahlentherapeut
strahlentherapeutin onkologe onkologin médecin oncologue radiothérapeute médico médica oncólogo oncóloga medico oncologo
oncologa radioterapista radioterapeuta arts radiotherapeut
"""
_WORDS_BESIDE = """
treating attending consultant consulting chief senior responsible ordering prescribing referring staff specialist board
certified radiation radio clinical medical medicine oncology dr med in of for and
für strahlentherapie radioonkologie onkologie leitender leitende behandelnder behandelnde traitant traitante de en
radiothérapie oncologie tratante radioterápico radioterapia curante di behandelend
"""
_WORDS_OF_OTHERS = """
assistant associate nurse physicist dosimetrist therapist technologist technician radiographer student secretary clerk
pharmacist scribe coordinator psychologist
"""
_TITLES, _BESIDE, _OTHERS = (frozenset(each.split()) for each in (_TITLE_WORDS, _WORDS_BESIDE, _WORDS_OF_OTHERS))
_OF_SOMEBODY = frozenset(("of", "for", "für", "de", "di", "en", "in"))  # what follows names a field, or whose one is
_DOCTORATE = re.compile(r"\bdr med\b")  # of medicine; "Dr." alone may be one of physics
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Coding:
    """A code with its system and what it is displayed as; a text alone has neither code nor system."""

    system: str = ""
    code: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Physicians:
    """Who counts as a physician: the lists of this module, and what the site adds."""

    codes: frozenset[tuple[str, str]] = frozenset()
    titles: frozenset[str] = frozenset()

    def is_one(self, said: Iterable[Coding]) -> bool:
        """Whether somebody of whom all of this is said is a physician: one code or title says so, and none another."""
        found = [judged for each in said for judged in self._of(each)]
        return True in found and False not in found

    def _of(self, said: Coding) -> list[bool | None]:
        system = said.system.partition("|")[0]
        return [self._code(_NAMES.get(system, system), said.code), self._words(said.display)]

    def _code(self, system: str, code: str) -> bool | None:
        if not system:
            return self._words(code)
        if (system, code) in self.codes or (system, code) in _YES:
            return True
        if (system, code) in _NO:
            return False
        if system == NUCC and code:
            return bool(_NUCC_PHYSICIANS.fullmatch(code))
        return None

    def _words(self, text: str) -> bool | None:
        words = _WORD.findall(text.casefold())
        if " ".join(words) in self.titles:
            return True
        if _OTHERS.intersection(words):
            return False
        if not set(words) <= _BESIDE | _TITLES:
            return None
        titles = [n for n, word in enumerate(words) if word in _TITLES]
        if titles and any(word in _OF_SOMEBODY for word in words[: titles[0]]):
            return False  # somebody of or for a physician
        return True if titles or _DOCTORATE.search(" ".join(words)) else None


def title(text: str) -> str:
    """A title of the site as it is compared."""
    return " ".join(_WORD.findall(text.casefold()))
