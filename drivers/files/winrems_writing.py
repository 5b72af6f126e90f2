"""Writing charges of dosimeters as the ASCII export of WinREMS (.ASC): 29 fields a line, CR LF, as observed in exports
of a Harshaw 6600. A line holds the elements of one card that were read together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from drivers.errors import Misuse
from drivers.files.records import called
from drivers.reading import Sample

UNITS = {"pC": 1e-12, "nC": 1e-9, "uC": 1e-6}
KINDS = {"sample": " ", "pmt-noise": "P", "reference-light": "R"}
ELEMENTS = (1, 2, 3, 4)
NO_FACTORS = "0.000E+0, 0.000"  # what real exports have where none was applied
INACTIVE = "1.000E+0, 1.000, 0"  # what they have for an element that is not read
MOST = 10**12


def written(samples: Iterable[Sample], first: int = 1) -> bytes:
    """The lines of samples with a charge in C, an element's number, a reader such as "M6600 1", and a clock.

    first: the number of the first readout, for sentences. Raises Misuse, which names the readout that has not what a
    line holds.
    """
    lines = []
    for _, together in groupby(enumerate(samples, start=first), lambda each: _line_of(*each)):
        for elements in _cards(list(together)):
            lines.append(_line(elements))
    return "".join(lines).encode("ascii")


def _line_of(number: int, sample: Sample) -> tuple[str, ...]:
    """What the elements of one line have in common. Raises Misuse."""
    where = called(number, sample)
    if sample.quantity != "charge" or sample.unit != "C" or sample.value is None:
        raise Misuse(f"{where} is no charge, and an .ASC file holds nothing else.")
    if sample.element_index not in ELEMENTS:
        raise Misuse(f"{where} does not say which element of a card it is (1 to 4).")
    if sample.role not in KINDS:
        raise Misuse(f"{where} is a {sample.role}, for which an .ASC file has no kind of line.")
    if sample.role == "sample" and not re.fullmatch(r"\d{1,12}", sample.element or "", re.ASCII):
        raise Misuse(f"{where}: an .ASC file names a card by a number of at most 12 digits.")
    if not re.fullmatch(r"M\d+ \d{1,12}", sample.reader or "", re.ASCII):
        raise Misuse(f"{where} does not name its reader as .ASC files do (M6600 1: model and unit).")
    if sample.clock is None:
        raise Misuse(f"{where} does not say when it was read.")
    return sample.reader or "", sample.clock, sample.role, sample.element or "0"


def _cards(together: Sequence[tuple[int, Sample]]) -> Iterator[dict[int, tuple[int, Sample]]]:
    """Elements that stand in one line: an element that comes again begins another."""
    line: dict[int, tuple[int, Sample]] = {}
    for number, sample in together:
        index = sample.element_index or 0
        if index in line:
            yield line
            line = {}
        line[index] = number, sample
    yield line


def _line(elements: dict[int, tuple[int, Sample]]) -> str:
    number, first = next(iter(elements.values()))
    reader, clock, role, card = _line_of(number, first)
    model, unit_number = reader.split()
    unit, responses = _responses({index: sample for index, (_, sample) in elements.items()}, number)
    is_check = role != "sample"
    active = ", ".join("1" if each in elements else "0" for each in ELEMENTS)
    day, _, time = clock.partition(".")[0].partition("T")
    triples = ", ".join(
        f"{_factors(elements[each][1])}, {responses[each]}" if each in elements else INACTIVE for each in ELEMENTS
    )
    head = f'"{model}", {unit_number}, {0 if is_check else 9}, {active}, "{0 if is_check else 3}", "0", 0, " "'
    when = f"{day.replace('-', '')}, {time.replace(':', '')}"
    return f'{head}, {when}, {card}, "{" " * 11}", "{KINDS[role]}", {triples}, "{unit}"\r\n'


def _responses(samples: dict[int, Sample], number: int) -> tuple[str, dict[int, int]]:
    """The unit in which every charge of a line is a whole number, and these. Raises Misuse where there is none."""
    for unit, size in UNITS.items():
        whole = {index: round((each.value or 0.0) / size) for index, each in samples.items()}
        if all(whole[index] * size == each.value and 0 <= whole[index] < MOST for index, each in samples.items()):
            return unit, whole
    said = ", ".join(f"{each.value:g}" for each in samples.values())
    raise Misuse(f"Readout {number}, {said} C: these are no whole pC, nC or uC, and an .ASC file holds no others.")


def _factors(sample: Sample) -> str:
    rcf, ecc = (getattr(sample.also.get(name), "value", None) for name in ("file-rcf", "file-ecc"))
    if rcf is None or ecc is None:
        return NO_FACTORS
    mantissa, _, exponent = f"{rcf:.3E}".partition("E")
    return f"{mantissa}E{int(exponent):+d}, {ecc:.3f}"
