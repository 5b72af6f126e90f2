"""What one part of a profile must know of another; each finding is the place of a key and the rest of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from drivers.driver import WireSettings
from drivers.profile.document import ErrorReply, Profile, Reading, Told, Typed
from drivers.profile.fields import FLAGS, KEYS, NUMBERS
from drivers.profile.forms import Where
from drivers.profile.typed import fault_of_value
from drivers.profile.units import ALLOWED, UNITS, power_between, split, unknown

Finding = tuple[Where, str]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def findings(profile: Profile) -> Iterator[Finding]:
    """Everything but the patterns, which drivers.profile.patterns checks."""
    yield from _quantities(profile)
    for name, told in profile.field.items():
        yield from _field(profile, ("field", name), told)
    for name, reading in profile.reading.items():
        yield from _reading(profile, ("reading", name), reading)
    for name, error in profile.error.items():
        yield from _error(("error", name), error)
    yield from _typed(profile)
    yield from _sent(profile)
    yield from _commands(profile)
    if profile.listens:
        yield from _listening(profile)
    elif not profile.polled:
        yield ("reading",), "none is asked for in a take; let one be polled"
    if profile.line.check and re.fullmatch("[0-9A-F]", profile.line.check.after):
        yield ("line", "check", "after"), "it is a hexadecimal digit itself; allowed is any other sign"


def _quantities(profile: Profile) -> Iterator[Finding]:
    given = {told.quantity for told in profile.field.values()}
    for name, quantity in profile.quantity.items():
        if quantity.unit not in UNITS:
            yield (
                ("quantity", name, "unit"),
                f"'{quantity.unit}' is no unit a quantity is kept in; allowed are {', '.join(UNITS)}",
            )
        if name not in given:
            yield ("quantity", name), "no field gives it"
    if len(set(profile.channels)) < len(profile.channels):
        yield ("channels",), "a channel stands twice"


def _field(profile: Profile, where: Where, told: Told) -> Iterator[Finding]:
    needs, may = KEYS[told.role]
    given = [key for key in type(told).model_fields if key != "role" and key in told.model_fields_set]
    for key in needs:
        if key not in given:
            yield where, f"'{told.role}' needs '{key}'{_why(key)}"
    for key in given:
        if key not in (*needs, *may):
            allowed = ", ".join((*needs, *may)) or "nothing"
            yield (*where, key), f"this does not go with '{told.role}'; allowed beside it: {allowed}"
    if told.role in NUMBERS and told.min is not None and told.max is not None and told.min >= told.max:
        yield (*where, "max"), f"{told.max:g} is not above min = {told.min:g}"
    yield from _unit(profile, where, told)
    for key, flags in (*told.sentinels.items(), *told.means.items()):
        yield from _flags((*where, "sentinels" if key in told.sentinels else "means", key), flags)
    for key, flags in told.sentinels.items():
        if not flags and told.role in NUMBERS:
            yield (*where, "sentinels", key), f"a special value means a flag; allowed are {', '.join(FLAGS)}"
    if told.setting is not None and told.setting not in profile.setting:
        yield (*where, "setting"), _none_such("setting", told.setting, profile.setting)
    if told.role == "channel" and not profile.channels:
        yield where, "the profile has no 'channels'"


def _why(key: str) -> str:
    if key in ("min", "max"):
        return ": a number without a range is not believed"
    return f"; allowed are {ALLOWED}" if key == "unit" else ""


def _unit(profile: Profile, where: Where, told: Told) -> Iterator[Finding]:
    if told.quantity is not None and told.quantity not in profile.quantity:
        yield (*where, "quantity"), _none_such("quantity", told.quantity, profile.quantity)
    if told.unit is None:
        return
    if split(told.unit) is None:
        yield (*where, "unit"), unknown(told.unit)
    elif told.role == "value" and told.quantity in profile.quantity:
        kept = profile.quantity[str(told.quantity)].unit
        if split(kept) and power_between(told.unit, kept) is None:
            yield (*where, "unit"), f"{told.unit} is not of the kind of {kept}, in which {told.quantity} is kept"
    elif told.role == "elapsed" and told.unit != "min" and power_between(told.unit, "s") is None:
        yield (*where, "unit"), f"'{told.unit}' is no time; allowed are s and min, s with a prefix"


def _flags(where: Where, flags: Iterable[str]) -> Iterator[Finding]:
    for each in flags:
        if each not in FLAGS:
            yield where, f"there is no flag '{each}'; allowed are {', '.join(FLAGS)}"


def _reading(profile: Profile, where: Where, reading: Reading) -> Iterator[Finding]:
    ways = [key for key in ("pattern", "layout", "each") if getattr(reading, key)]
    if len(ways) != 1:
        yield where, f"it has {' and '.join(ways) or 'none'}; allowed is one of pattern, layout and each"
    if not reading.each and (reading.head or reading.between or reading.tail):
        yield where, "head, between and tail go with 'each'"
    if reading.each and not profile.channels:
        yield (*where, "each"), "the profile has no 'channels', for each of which it would stand"
    if profile.listens:
        if reading.send is not None:
            yield (*where, "send"), "without an [identity] the instrument is only listened to"
        return
    if reading.send is None and reading.polled:
        yield where, "it needs 'send', or polled = false where a command gives it"


def _error(where: Where, error: ErrorReply) -> Iterator[Finding]:
    yield from _flags((*where, "flags"), error.flags)
    if error.means == "declined" and error.flags:
        yield (*where, "flags"), "a reply that says no has no flags; allowed with means = 'flags'"
    if error.means == "flags" and (not error.flags or error.texts):
        yield where, "means = 'flags' needs 'flags' and takes no 'texts'"


def _typed(profile: Profile) -> Iterator[Finding]:
    for name, setting in profile.setting.items():
        yield from _range(("setting", name), setting)
        if name in WireSettings.model_fields:
            yield ("setting", name), "every instrument has a setting of that name; choose another"
        if (wrong := fault_of_value(setting, setting.default)) is not None:
            yield ("setting", name, "default"), wrong
    for name, command in profile.command.items():
        for key, parameter in command.parameter.items():
            yield from _range(("command", name, "parameter", key), parameter)


def _range(where: Where, typed: Typed) -> Iterator[Finding]:
    numbers = [key for key in ("min", "max", "unit") if getattr(typed, key) is not None]
    if typed.values and numbers:
        yield where, f"it has values and {' and '.join(numbers)}; allowed is values, or min, max and unit"
    if not typed.values and len(numbers) < 3:
        yield where, "a number needs min, max and unit: one without a range is not sent; or give values"
    if typed.unit is not None and split(typed.unit) is None:
        yield (*where, "unit"), unknown(typed.unit)
    if typed.min is not None and typed.max is not None and typed.min >= typed.max:
        yield (*where, "max"), f"{typed.max:g} is not above min = {typed.min:g}"


def _sent(profile: Profile) -> Iterator[Finding]:
    """Everything that is written to the instrument: what may be filled in, and that the encoding has it."""
    for where, text, known in _requests(profile):
        used = PLACEHOLDER.findall(text)
        for each in used:
            if each not in known:
                yield where, f"'{{{each}}}' is nothing that can be filled in; allowed: {', '.join(known) or 'nothing'}"
        for each in known:
            if each not in used and each != "channel":
                yield where, f"'{{{each}}}' is not sent"
        if not text.isprintable() or not _encodes(text, profile.line.encoding):
            yield where, f"it holds what is not printable text in {profile.line.encoding}"


def _encodes(text: str, encoding: str) -> bool:
    try:
        return bool(text.encode(encoding))
    except UnicodeEncodeError:
        return False


def _requests(profile: Profile) -> Iterator[tuple[Where, str, tuple[str, ...]]]:
    if profile.identity is not None:
        yield ("identity", "send"), profile.identity.send, ()
    for name, reading in profile.reading.items():
        if reading.send is not None:
            yield ("reading", name, "send"), reading.send, ("channel",) if profile.channels and not reading.each else ()
    for table in ("setup", "stand_down"):
        for n, each in enumerate(getattr(profile, table)):
            yield (table, n, "send"), each.send, ()
    for name, setting in profile.setting.items():
        yield ("setting", name, "send"), setting.send, ("value",)
        yield ("setting", name, "ask"), setting.ask, ()
    for name, command in profile.command.items():
        yield ("command", name, "send"), command.send, tuple(command.parameter)


def _commands(profile: Profile) -> Iterator[Finding]:
    for name, command in profile.command.items():
        if command.gives is None:
            continue
        if command.reply is not None:
            yield ("command", name, "reply"), "the reply of a command that gives a reading is that reading's"
        if command.gives not in profile.reading:
            yield ("command", name, "gives"), _none_such("reading", command.gives, profile.reading)
        elif "{channel}" in (profile.reading[command.gives].send or ""):
            yield ("command", name, "gives"), "that reading is asked for channel by channel, and cannot be one reply"
    for key in ("zero", "before", "start", "stop"):
        for each in getattr(profile.framing, key):
            if each not in profile.command:
                yield ("framing", key), _none_such("command", each, profile.command)
            elif profile.command[each].parameter:
                yield ("framing", key), f"'{each}' has parameters, and nobody would give them"


def _listening(profile: Profile) -> Iterator[Finding]:
    for key in ("setup", "setting", "command", "stand_down"):
        if getattr(profile, key):
            yield (key,), "without an [identity] the instrument is only listened to, and nothing is sent"
    if profile.line.echo:
        yield ("line", "echo"), "an instrument that is only listened to has nothing to echo"


def _none_such(what: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {what} '{name}'; there are: {', '.join(known) or 'none'}"
