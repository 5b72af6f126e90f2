"""What the groups of a reply say: numbers in their range, words that are known, flags; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from drivers.errors import Garbled
from drivers.profile.document import Quantity, Told
from drivers.profile.units import power_between
from drivers.reading import NO_VALUE, Also, Flag, Sample
from drivers.strict_numbers import decimal

NUMBERS = frozenset({"value", "also", "elapsed", "count"})
# role: (keys it needs, keys it may have)
KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "value": (("quantity", "unit", "min", "max"), ("sentinels",)),
    "also": (("unit", "min", "max"), ("sentinels",)),
    "elapsed": (("unit", "min", "max"), ()),
    "count": (("min", "max"), ()),
    "flags": (("means",), ()),
    "channel": ((), ()),
    "range": (("values",), ("setting",)),
    "mode": (("values",), ("setting",)),
    "element": ((), ("sentinels",)),
    "attribute": ((), ("values",)),
}
# what only the host, or the engine, can say
NOT_FOR_PROFILES = frozenset({Flag.UNPARSED, Flag.STALE, Flag.CLOCK_STEP, Flag.NON_CONFORMING})
FLAGS = tuple(str(each) for each in Flag if each not in NOT_FOR_PROFILES)


@dataclass
class Item:
    """What was told of one channel, or of the whole reply, until samples are made of it."""

    values: list[tuple[str, str, float | None]] = field(default_factory=list)  # quantity, unit, value
    flags: list[Flag] = field(default_factory=list)
    also: dict[str, Also] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)  # channel, range, mode, element
    attributes: dict[str, str] = field(default_factory=dict)
    elapsed_s: float | None = None
    count: float | None = None

    def under(self, head: Item) -> Item:
        """With what the head of the reply says of all channels."""
        return Item(
            values=[*head.values, *self.values],
            flags=list(dict.fromkeys([*head.flags, *self.flags])),
            also=head.also | self.also,
            words=head.words | self.words,
            attributes=head.attributes | self.attributes,
            elapsed_s=head.elapsed_s if self.elapsed_s is None else self.elapsed_s,
            count=head.count,
        )

    def samples(self, channel: str | None) -> list[Sample]:
        """One for each value; none of them has a number where a flag forbids it."""
        forbidden = not NO_VALUE.isdisjoint(self.flags)
        return [
            Sample(
                quantity=quantity, unit=unit, value=None if forbidden else value, flags=tuple(self.flags),
                channel=channel, elapsed_s=self.elapsed_s, also=self.also, attributes=self.attributes,
                range=self.words.get("range"), mode=self.words.get("mode"), element=self.words.get("element"),
            )
            for quantity, unit, value in self.values
        ]  # fmt: skip


def tell(
    item: Item, name: str, told: Told, text: str, quantities: Mapping[str, Quantity], *, forbidden: bool = False
) -> None:
    """Put what one group says into its item; forbidden: a status says that its digits mean nothing.

    Raises Garbled for what the profile does not allow.
    """
    if told.role == "flags":
        item.flags += flags_of(told, name, text)
    elif forbidden and told.role in ("value", "also"):
        _put(item, name, told, None, quantities)
    elif text.strip(" ") in told.sentinels:
        item.flags += [Flag(each) for each in told.sentinels[text.strip(" ")]]
        if told.role in NUMBERS:
            _put(item, name, told, None, quantities)
    elif told.role in NUMBERS:
        _put(item, name, told, _in_range(name, told, text), quantities)
    else:
        _word(item, name, told, text)


def flags_of(told: Told, name: str, text: str) -> list[Flag]:
    """What a status means. Raises Garbled for one that the profile does not explain."""
    if text not in told.means:
        raise Garbled(f"The {name} '{text}' is not explained by the profile; it knows {', '.join(told.means)}.")
    return [Flag(each) for each in told.means[text]]


def scaled(text: str, power: int) -> float:
    """A number in the unit that is kept, rounded once. Raises ValueError."""
    decimal(text)
    return float(Decimal(text).scaleb(power))


def _in_range(name: str, told: Told, text: str) -> str:
    try:
        value = decimal(text.strip(" "))
    except ValueError as error:
        raise Garbled(f"The {name} is wrong: {error}.") from error
    low, high = told.min, told.max
    if low is None or high is None or not low <= value <= high:
        raise Garbled(f"The {name} of {text} is outside {low:g} to {high:g}, the range that the profile states.")
    return text.strip(" ")


def _put(item: Item, name: str, told: Told, text: str | None, quantities: Mapping[str, Quantity]) -> None:
    if told.role == "value":
        kept = quantities[str(told.quantity)].unit
        power = power_between(str(told.unit), kept) or 0
        item.values.append((str(told.quantity), kept, None if text is None else scaled(text, power)))
    elif told.role == "also":
        item.also[name] = Also(unit=str(told.unit), value=None if text is None else scaled(text, 0))
    elif told.role == "elapsed" and text is not None:
        item.elapsed_s = (
            scaled(text, 0) * 60 if told.unit == "min" else scaled(text, power_between(str(told.unit), "s") or 0)
        )
    elif text is not None:
        item.count = scaled(text, 0)


def _word(item: Item, name: str, told: Told, text: str) -> None:
    text = text.strip(" ")
    if told.values and text not in told.values:
        raise Garbled(f"The {name} '{text}' is none that the profile names: {', '.join(told.values)}.")
    if told.role == "attribute":
        item.attributes[name] = text
    else:
        item.words[told.role] = text
