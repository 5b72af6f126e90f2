"""A profile's replies, read: which form a reply has, and the samples it gives; bytes in, samples out."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drivers.errors import Declined, Garbled, shown
from drivers.profile.document import Check, Profile, Reading, Told
from drivers.profile.fields import Item, tell
from drivers.profile.forms import ITEM, Form, Forms
from drivers.reading import NO_VALUE, Flag, Sample

Groups = Mapping[str, str]


@dataclass
class Grammar:
    """Of one profile. `count_of` is the number of the last reply of each kind, so that none is believed twice."""

    profile: Profile
    forms: Forms

    def __post_init__(self) -> None:
        self.count_of: dict[tuple[str, str | None], float] = {}
        self._flags_first = {name: self._ordered(form) for name, form in self.forms.readings.items()}

    def groups(self, form: Form, raw: bytes) -> Groups:
        """The groups of a reply of one form. Raises Declined, Garbled."""
        return self._only([form], raw)[1]

    def reading(self, name: str, asked: str | None, settings: Mapping[str, str], raw: bytes) -> list[Sample]:
        """The samples of a reading's reply; `asked`: the channel that was asked for. Raises Declined, Garbled."""
        form, texts = self._only([self.forms.readings[name]], raw)
        if form.where[0] == "error":
            return self._flagged(name, asked, form)
        return self._samples(name, asked, settings, texts, raw)

    def heard(self, settings: Mapping[str, str], raw: bytes) -> list[Sample]:
        """The samples of a message that nobody asked for. Raises Declined, Garbled."""
        form, texts = self._only(list(self.forms.readings.values()), raw)
        if form.where[0] == "error":
            return [each for name in self.profile.reading for each in self._flagged(name, None, form)]
        return self._samples(str(form.where[1]), None, settings, texts, raw)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _only(self, expected: Sequence[Form], raw: bytes) -> tuple[Form, Groups]:
        """The one form that a reply has, of those expected and of those that say no, and its groups."""
        if len(raw) > self.profile.line.longest:
            raise Garbled(f"A reply of {len(raw)} bytes; the profile allows {self.profile.line.longest}.", raw)
        matches = ((form, form.regex.fullmatch(raw)) for form in (*expected, *self.forms.errors))
        found = [(form, match) for form, match in matches if match is not None]
        if not found:
            raise Garbled(f"'{shown(raw)}' has no form that the profile of {self.profile.name} expects here.", raw)
        if len(found) > 1:
            places = " and ".join(".".join(map(str, form.where)) for form, _ in found)
            raise Garbled(f"'{shown(raw)}' has more than one form of the profile: {places}.", raw)
        ((form, match),) = found
        encoding = self.profile.line.encoding
        texts = {name: text.decode(encoding) for name, text in match.groupdict().items()}
        self._raise_if_declined(form, texts, raw)
        return form, texts

    def _raise_if_declined(self, form: Form, texts: Groups, raw: bytes) -> None:
        error = self.profile.error[str(form.where[1])] if form.where[0] == "error" else None
        if error is None or error.means != "declined":
            return
        code = texts.get("code")
        said = f" with {code}" if code else ""
        why = f" ({error.texts[code]})" if code in error.texts else ""
        raise Declined(f"The {self.profile.title} refused{said}{why}.", raw)

    def _samples(
        self, name: str, asked: str | None, settings: Mapping[str, str], texts: Groups, raw: bytes
    ) -> list[Sample]:
        try:
            items = self._items(name, texts, settings)
            head = items.pop(None, Item())
            self._refuse_twice(name, asked, head.count)
            if not self.profile.reading[name].each:
                return head.samples(self._channel(head, asked))
            inputs = self.profile.channels
            found = [(items[str(n)].under(head), channel) for n, channel in enumerate(inputs)]
            return [each for item, channel in found for each in item.samples(self._channel(item, channel))]
        except Garbled as error:
            raise Garbled(str(error), raw) from error

    def _ordered(self, form: Form) -> list[tuple[str, str, str | None, Told]]:
        """(group, field, number of its item) with what it is; flags first: they say which digits mean nothing."""
        split = [(group, *group.partition(ITEM)) for group in form.groups]
        found = [
            (group, name, number if several else None, self.profile.field[name])
            for group, name, several, number in split
        ]
        return sorted(found, key=lambda each: each[3].role != "flags")

    def _items(self, reading: str, texts: Groups, settings: Mapping[str, str]) -> dict[str | None, Item]:
        """None: what stands once; the others by their number."""
        items: dict[str | None, Item] = {None: Item()}
        for group, name, number, told in self._flags_first[reading]:
            text, item = texts[group], items.setdefault(number, Item())
            forbidden = not NO_VALUE.isdisjoint({*item.flags, *items[None].flags})
            tell(item, name, told, text, self.profile.quantity, forbidden=forbidden)
            if _changed(told, text, settings):
                item.flags.append(Flag.CHANGED_BY_HAND)
        return items

    def _channel(self, item: Item, expected: str | None) -> str | None:
        told = item.words.get("channel")
        if told is None:
            return expected
        if told not in self.profile.channels or expected not in (None, told):
            raise Garbled(f"The reply is of channel {told}; {expected or ', '.join(self.profile.channels)} was asked.")
        return told

    def _refuse_twice(self, name: str, asked: str | None, count: float | None) -> None:
        if count is None:
            return
        if self.count_of.get((name, asked)) == count:
            raise Garbled(f"The reply number {count:g} came twice.")
        self.count_of[name, asked] = count

    def _flagged(self, name: str, asked: str | None, form: Form) -> list[Sample]:
        """A reply that has no number: for every value that the reading would have given."""
        flags = tuple(Flag(each) for each in self.profile.error[str(form.where[1])].flags)
        channels: Sequence[str | None] = [asked] if asked or not self.profile.channels else self.profile.channels
        fields = (self.profile.field[each] for each in self.forms.readings[name].fields)
        quantities = [str(each.quantity) for each in fields if each.role == "value"]
        return [
            Sample(quantity=each, unit=self.profile.quantity[each].unit, flags=flags, channel=channel)
            for channel in channels
            for each in quantities
        ]


def _changed(told: Told, text: str, settings: Mapping[str, str]) -> bool:
    return told.setting is not None and settings.get(told.setting, text.strip(" ")) != text.strip(" ")


def without_check(check: Check) -> Callable[[bytes], bytes]:
    """What takes the check off a reply. It raises Garbled where it is missing or wrong."""
    sign = check.after.encode("latin-1")

    def bare(reply: bytes) -> bytes:
        body, found, digits = reply.rpartition(sign)
        total = functools.reduce(operator.xor, body, 0) if check.kind == "xor8" else sum(body) % 256
        if not found or digits != b"%02X" % total:
            raise Garbled("The check of a reply is missing or wrong.", reply)
        return body

    return bare


def channels_asked(reading: Reading, channels: tuple[str, ...]) -> Sequence[str | None]:
    """The channels that a reading is asked for one by one; [None]: it is asked once."""
    return channels if reading.send is not None and "{channel}" in reading.send else [None]
