"""A chamber's k_Q belongs to one protocol, one chamber type, one beam quality and one beam of calibration.

Each protocol has its own specifier: TPR20,10 in TRS-398, %dd(10)x in TG-51, R50 for electrons in both. Where the tables
held here know the chamber, the stated k_Q is calculated again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from acquire.dosimetry.errors import Blocked, DosimetryError, MissingFactor
from acquire.dosimetry.finite import finite_fields
from acquire.dosimetry.kq_tg51 import ABC, k_q_tg51
from acquire.dosimetry.kq_trs398_rev1 import AB, k_q_rev1

Protocol = Literal["trs398", "tg51"]
NAMES: Mapping[str, str] = {"trs398": "TRS-398", "tg51": "TG-51"}
SPECIFIER: Mapping[str, str] = {"tpr20_10": "TPR20,10", "pdd10x": "%dd(10)x", "r50_cm": "R50"}
SAME_KQ = 0.001  # two roundings to three digits; TRS-398 and TG-51 differ by 0.002 for a Farmer chamber at 6 MV
# Specifiers of nominal photon energies in MV: (TPR20,10), (%dd(10)x). Wide, with and without filter (recalled).
BY_ENERGY: Mapping[float, tuple[tuple[float, float], tuple[float, float]]] = {
    4: ((0.58, 0.66), (60.0, 65.5)), 6: ((0.61, 0.70), (61.5, 70.0)), 8: ((0.66, 0.73), (66.0, 73.0)),
    10: ((0.68, 0.76), (69.0, 76.0)), 15: ((0.73, 0.79), (74.0, 80.0)), 18: ((0.75, 0.81), (76.0, 84.0)),
}  # fmt: skip
_MAKERS = ("PTW", "EXRADIN", "IBA", "NE", "CAPINTEC", "TYPE", "SEMIFLEX", "FARMER")


@dataclass(frozen=True, slots=True)
class QualityFactor:
    """A k_Q as it was found: for which protocol, chamber type and specifier of the beam. R50 in cm, the rest plain."""

    value: float
    source: str
    formalism: str | None = None
    chamber: str | None = None
    tpr20_10: float | None = None
    pdd10x: float | None = None
    r50_cm: float | None = None

    def __post_init__(self) -> None:
        finite_fields(self)

    @property
    def specifiers(self) -> dict[str, float]:
        """Those that are stated, by name."""
        stated = {"tpr20_10": self.tpr20_10, "pdd10x": self.pdd10x, "r50_cm": self.r50_cm}
        return {name: value for name, value in stated.items() if value is not None}


def fits(stated: QualityFactor, protocol: Protocol, chamber: str, beam: str, calibrated_in: str | None) -> None:
    """Hold a k_Q against the protocol, chamber and beam it is used with, and the beam its N_D,w was calibrated in.

    chamber: the type of the detector in the inventory; beam: "6 MV", "9 MeV". Raises Blocked, MissingFactor.
    """
    _of_protocol(stated, protocol)
    _of_chamber(stated, chamber)
    _of_beam(stated, protocol, beam)
    if calibrated_in is None:
        raise MissingFactor('The certificate\'s beam of calibration (conditions.quality, as "Co-60") is not stated.')
    if _plain(calibrated_in) != "CO60":
        raise Blocked(
            f"This k_Q leads from Co-60 to the beam, but N_D,w was calibrated in {calibrated_in}: it would count twice."
        )
    _as_calculated(stated, protocol)


def _of_protocol(stated: QualityFactor, protocol: Protocol) -> None:
    other: Protocol = "tg51" if protocol == "trs398" else "trs398"
    told = _plain(stated.source)
    foreign = _plain(NAMES[other]) in told and _plain(NAMES[protocol]) not in told
    if stated.formalism is None and not foreign:
        raise MissingFactor(
            f'k_q does not say of which protocol it is (formalism = "trs398" or "tg51"): {stated.source}.'
        )
    if stated.formalism == other or foreign:
        raise Blocked(
            f"The point's protocol is {NAMES[protocol]}, its k_q is of {NAMES[other]} ({stated.source}): take both of"
            " one protocol."
        )


def _of_chamber(stated: QualityFactor, chamber: str) -> None:
    if stated.chamber is None:
        raise MissingFactor(f"k_q does not say for which chamber type it holds (chamber = ...): {stated.source}.")
    if _type(stated.chamber) != _type(chamber):
        raise Blocked(f"k_q is of a chamber {stated.chamber}; the inventory says that it is a {chamber}.")


def _of_beam(stated: QualityFactor, protocol: Protocol, beam: str) -> None:
    electrons = "MEV" in beam.upper()
    wanted = "r50_cm" if electrons else "tpr20_10" if protocol == "trs398" else "pdd10x"
    found = stated.specifiers
    if list(found) != [wanted]:
        said = " and ".join(SPECIFIER[name] for name in found) or "no beam quality"
        raise Blocked(
            f"k_q in {beam} after {NAMES[protocol]} is stated for one {SPECIFIER[wanted]} ({wanted}); here it has"
            f" {said}."
        )
    energy = re.match(r"\s*([0-9.]+)\s*MV\b", beam)
    known = BY_ENERGY.get(float(energy[1])) if energy else None
    if known is not None:
        low, high = known[0 if wanted == "tpr20_10" else 1]
        if not low <= found[wanted] <= high:
            raise Blocked(
                f"k_q is stated for {SPECIFIER[wanted]} = {found[wanted]:g}; a {beam} beam has {low:g} to {high:g}."
            )


def _as_calculated(stated: QualityFactor, protocol: Protocol) -> None:
    """The protocol's own table, where it knows the chamber."""
    table = AB if protocol == "trs398" else ABC
    name = next((each for each in table if _type(each) == _type(stated.chamber or "")), None)
    if name is None or stated.r50_cm is not None:
        return
    quality = next(iter(stated.specifiers.values()))
    try:
        value = k_q_rev1(name, quality) if protocol == "trs398" else k_q_tg51(name, quality)
    except DosimetryError as outside:
        raise Blocked(str(outside)) from outside
    if abs(value - stated.value) > SAME_KQ:
        raise Blocked(
            f"k_q = {stated.value:g} is not that of {name} after {NAMES[protocol]}: for"
            f" {SPECIFIER[next(iter(stated.specifiers))]} = {quality:g} it is {value:.4f}."
        )


def _plain(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _type(name: str) -> str:
    """A chamber type without its maker: "PTW 30013" is "30013", as one table has it and not the other."""
    words = [word for word in re.split(r"[\s,]+", name.upper()) if word not in _MAKERS]
    return _plain("".join(words))
