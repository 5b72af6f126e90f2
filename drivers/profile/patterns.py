"""The patterns of a profile held against themselves and each other, before any reply comes.

Refused are: what is no pattern of the allowed kind, a group that no field uses and a field that no group gives, a
pattern that reads one reply in two ways, and two patterns that read the same one where it would not be known which is
meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations

from drivers.profile.automaton import START, read_twice, shared
from drivers.profile.checks import Finding
from drivers.profile.document import Profile
from drivers.profile.expression import PatternProblem
from drivers.profile.forms import ITEM, Form, Forms, Where, form_of, plain_patterns, reading_form, way_of

OF_IDENTITY = ("model", "serial", "firmware")


def forms_of(profile: Profile) -> tuple[Forms, list[Finding]]:
    """Every form that can be read, and a finding for each pattern that cannot."""
    findings: list[Finding] = []
    readings: dict[str, Form] = {}
    others: dict[Where, Form] = {}
    for name, reading in profile.reading.items():
        if made := _made(
            partial(reading_form, name, reading, profile.channels), ("reading", name, way_of(reading)), findings
        ):
            readings[name] = made
    for where, pattern in plain_patterns(profile):
        if made := _made(partial(form_of, where, pattern), where, findings):
            others[where] = made
    return Forms(readings, others), findings


def _made(make: Callable[[], Form], where: Where, findings: list[Finding]) -> Form | None:
    """A form that reads no reply in two ways; None where that cannot be had, which is then a finding."""
    try:
        form = make()
        if START in form.positions.ends:
            raise PatternProblem("the pattern reads an empty reply")  # noqa: TRY301 - told as every other one is
        if (twice := read_twice(form.positions)) is not None:
            findings.append((form.where, f"ambiguous: '{twice}' can be read in two ways; say which part is how long"))
            return None
    except PatternProblem as error:
        findings.append((where, str(error)))
        return None
    return form


def findings(profile: Profile, forms: Forms) -> Iterator[Finding]:
    """What is wrong with forms that can be read by themselves."""
    yield from _unused(profile, forms)
    for name, form in forms.readings.items():
        yield from _of_reading(profile, name, form)
    for where, form in forms.others.items():
        yield from _groups(form, _allowed(profile, where))
    yield from _shared(forms)


def _unused(profile: Profile, forms: Forms) -> Iterator[Finding]:
    used = {field for form in forms.readings.values() for field in form.fields}
    for form in forms.readings.values():
        for field in form.fields:
            if field not in profile.field:
                known = ", ".join(profile.field)
                yield form.where, f"no [field.{field}] says what the group '{field}' is; there are: {known}"
    for field in profile.field:
        if field not in used:
            yield ("field", field), "no reading has a group of that name"


def _of_reading(profile: Profile, name: str, form: Form) -> Iterator[Finding]:
    roles = {field: profile.field[field].role for field in form.fields if field in profile.field}
    reading = profile.reading[name]
    values = [profile.field[field].quantity for field, role in roles.items() if role == "value"]
    if not values:
        yield form.where, "it gives no value: one of its groups must be a field with is = 'value'"
    if len(values) > len(set(values)):
        yield form.where, "it gives one quantity twice"
    for role in ("channel", "count", "elapsed", "range", "mode", "element"):
        if list(roles.values()).count(role) > 1:
            yield form.where, f"two of its fields say '{role}'"
    several = {group.partition(ITEM)[0] for group in form.groups if ITEM in group}
    if any(roles.get(field) == "count" for field in several):
        yield form.where, "the number of a reply stands once in it, in 'head' or 'tail'"
    known = reading.each or "{channel}" in (reading.send or "") or "channel" in roles.values()
    if profile.channels and not known:
        yield (
            form.where,
            "it does not say of which channel it is: use each, a channel field, or send with '{channel}'",
        )


def _allowed(profile: Profile, where: Where) -> Mapping[str, bool]:
    """The groups that a pattern may have, and whether it must."""
    table, name = where[0], where[1]
    if table == "identity":
        return dict.fromkeys(OF_IDENTITY, False)
    if table == "error":
        texts = bool(profile.error[str(name)].texts)
        return {"code": texts}
    if table == "setting":
        return {"value": where[2] == "answer"}
    if table == "command":
        return dict.fromkeys(profile.command[str(name)].parameter, False)
    return {}


def _groups(form: Form, allowed: Mapping[str, bool]) -> Iterator[Finding]:
    for group in form.groups:
        if group not in allowed:
            yield form.where, f"nothing uses the group '{group}'; allowed: {', '.join(allowed) or 'none'}"
    for group, must in allowed.items():
        if must and group not in form.groups:
            yield form.where, f"it needs a group '{group}'"


def _shared(forms: Forms) -> Iterator[Finding]:
    """A reading, and a reply that says no, against everything: what comes late must not pass for it."""
    readings = list(forms.readings.values())
    answers = [form for form in forms.others.values() if form.where[0] != "error"]
    pairs = [*combinations([*readings, *forms.errors], 2)]
    pairs += [(form, answer) for form in (*readings, *forms.errors) for answer in answers]
    for one, other in pairs:
        try:
            both = shared(one.positions, other.positions)
        except PatternProblem as error:
            yield other.where, str(error)
            continue
        if both is not None:
            place = ".".join(map(str, one.where))
            yield other.where, f"'{both}' is a reply of this and of {place}; no reply may have two forms"
