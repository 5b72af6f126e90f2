"""How an instrument adds up, and which of its commands frame a measurement: its model says so, nobody types it.

At the moment of use the state that the instrument publishes is what counts. The inventory may narrow what is sent;
where it contradicts the model or the state, that is one sentence before anybody lies on the couch. All of it is pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isclose
from typing import TYPE_CHECKING, Any

from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Inventory, OwnedInstrument
from acquire.procedure.documents.plan import Plan, Step
from drivers import Misuse, registry
from drivers.model import Framing, Integrates, Model

if TYPE_CHECKING:
    from acquire.bus.messages import State

CHARGE = ("running", "reset")  # what adds up to a charge between two markers
PLACES = ("zero", "before", "start", "stop")


@dataclass(frozen=True, slots=True)
class InForce:
    """What was in force when an attempt began: it is written down with it, and results are made from that.

    serial: as the instrument told it, or that it did not, with what the inventory says (`untold`).
    """

    model: str
    serial: str
    measures: str | None
    integrates: Integrates
    framing: Framing
    channel: str | None

    def plain(self) -> dict[str, Any]:
        """As JSON has it: the framing's commands by their place, as lists."""
        commands = {place: list(getattr(self.framing, place)) for place in PLACES}
        return {name: getattr(self, name) for name in self.__slots__} | {"framing": commands}


def installed(instrument: OwnedInstrument) -> Model | None:
    """Its model, None where it is known on the acquisition host alone, or its profile is broken here by now."""
    try:
        return registry.model(instrument.model)
    except Misuse:
        return None


def of_model(instrument: OwnedInstrument, model: Model) -> Iterator[str]:
    """Where the inventory contradicts the model, one sentence each."""
    allowed = list(dict.fromkeys(q.integrates for q in model.quantities if q.integrates != "none"))
    if instrument.integrates is not None and instrument.integrates not in allowed:
        yield _other_rule(instrument, model.name, allowed)
    yield from _commands(instrument, model.name, model.framing, model.integrates)


def of_state(instrument: OwnedInstrument, state: State) -> Iterator[str]:
    """Where the inventory contradicts what the instrument says of itself, one sentence each.

    The model is that of the driver which runs it (state.driver); states of earlier releases name none.
    """
    if state.driver is not None and state.driver != instrument.model:
        yield Stop(
            "instrument-model", f"{instrument.id} is a {state.driver}; the inventory has a {instrument.model} there."
        )
    if state.serial and state.serial != instrument.serial:
        yield Stop(
            "instrument-serial",
            f"{instrument.id} says that its serial number is {state.serial}, the inventory has {instrument.serial}:"
            " another instrument is connected, or the inventory is wrong.",
        )
    yield from of_range(instrument, state)
    if instrument.integrates is not None and state.integrates not in (None, "none", instrument.integrates):
        yield _other_rule(instrument, instrument.id, [state.integrates or "none"])
    if state.framing is not None:
        yield from _commands(instrument, instrument.id, _published(state), state.integrates)


def collects(plan: Plan, step: Step, points: Sequence[str]) -> bool:
    """Whether the step collects a charge at points. The irradiation of a MOSFET does not: of it the times count."""
    return step.integrates and (not points or any(plan.point_named(each).asks.way != "threshold" for each in points))


def of_step(
    instrument: OwnedInstrument, step: Step, channel: str | None, state: State, *, charge: bool
) -> Iterator[str]:
    """Why a step cannot be measured with the instrument as it is set now, one sentence each.

    charge: whether the step collects one.
    """
    wanted = "charge" if charge else "voltage" if step.kind == "threshold" else None
    if wanted and state.measures not in (None, wanted):
        yield (
            f"{instrument.id} is set to {state.measures}; step {step.id} needs its {wanted}: set it to {wanted} first."
        )
    elif charge and state.integrates not in (None, *CHARGE):
        yield f"{instrument.id} gives no charge that adds up ({state.integrates}); step {step.id} collects one."
    if said := of_channel(instrument.id, step, channel, state.channels):
        yield said


def of_channel(instrument: str, step: Step, channel: str | None, channels: Sequence[str]) -> str | None:
    """What is wrong with the channel of a step on an instrument that has these; None where nothing is."""
    named = ", ".join(channels)
    if channel is not None and not channels:
        return f"Step {step.id} names channel {channel}, but {instrument} has no channels: leave it out."
    if channel is not None and channel not in channels:
        return f"Step {step.id} names channel {channel}; {instrument} has {named}."
    if channel is None and channels and (step.integrates or step.kind == "threshold"):
        return (
            f"Step {step.id} does not say which channel of {instrument} it measures: give its point or its detector"
            f" one of {named}."
        )
    return None


def in_force(
    instrument: OwnedInstrument,
    step: Step,
    channel: str | None,
    state: State,
    model: Model | None,
    *,
    charge: bool,
) -> InForce:
    """What holds for an attempt that begins now; `model` as it is installed here; charge: whether it collects one.

    Raises Refused, one sentence for each contradiction.
    """
    state = completed(state, model)
    wrong = [*of_state(instrument, state), *of_step(instrument, step, channel, state, charge=charge)]
    if wrong:
        raise Refused(*wrong)
    return InForce(
        model=instrument.model,
        serial=state.serial or untold(instrument),
        measures=state.measures,
        integrates=state.integrates or instrument.integrates or "none",
        framing=narrowed(instrument, _published(state)),
        channel=channel,
    )


NOT_TOLD = "not told by the instrument"


def untold(instrument: OwnedInstrument) -> str:
    """What stands in the place of a serial number that was not told, with the inventory's word beside."""
    return f"{NOT_TOLD}; the inventory says {instrument.serial}"


def is_told(serial: str) -> bool:
    """Whether what was written down of an attempt is a number that the instrument told; also of earlier releases."""
    return NOT_TOLD not in serial


def told_range(state: State) -> str | None:
    """The range that the instrument says it is set to; None where it does not say, or takes one by itself."""
    said = {name.casefold(): value for name, value in state.settings.items()}
    if any(name.endswith("rang:auto") and str(value).casefold() in ("true", "1", "on") for name, value in said.items()):
        return None
    found = next((value for name, value in said.items() if name == "range" or name.endswith(":rang")), None)
    return None if found is None else str(found)


def told_full_scale_nc(state: State) -> float | None:
    """Full scale in nC of the charge range that the instrument is set to, where it states it, or its range in C."""
    said = state.settings.get("full_scale_c", told_range(state))
    try:
        return None if said is None or state.measures != "charge" else float(str(said)) * 1e9
    except ValueError:
        return None


def told_full_scale_na(state: State) -> float | None:
    """The largest current in nA that the range of the instrument takes, where that is what it states."""
    said = state.settings.get("full_scale_a")
    return float(said) * 1e9 if isinstance(said, int | float) and state.measures == "charge" else None


def of_range(instrument: OwnedInstrument, state: State) -> Iterator[Stop]:
    """Where the instrument is set to another range than the inventory says is used."""
    told, full = told_range(state), told_full_scale_nc(state)
    if told is None:
        return
    if instrument.range is not None and not _alike(told, str(instrument.range)):
        yield Stop("range", f"{instrument.id} is on range {told}; the inventory has {instrument.range}: set that.")
    elif instrument.full_scale_nc is not None and full is not None and not _alike(full, instrument.full_scale_nc):
        yield Stop(
            "range",
            f"{instrument.id} is on its range of {full:g} nC; the inventory has {instrument.full_scale_nc:g} nC: set"
            " that range, or correct the inventory.",
        )


def _alike(one: str | float, other: str | float) -> bool:
    try:
        return isclose(float(one), float(other), rel_tol=1e-3)
    except ValueError:
        return str(one).casefold() == str(other).casefold()


def completed(state: State, model: Model | None) -> State:
    """The state with what its model says where a daemon of an earlier release publishes no framing."""
    if state.framing is not None or model is None:
        return state
    from acquire.bus import messages  # noqa: PLC0415 - most states tell their framing

    framing = messages.Framing.model_validate(asdict(model.framing))
    said = {"framing": framing, "channels": list(model.channels), "integrates": state.integrates or model.integrates}
    return state.model_copy(update=said)


def channel_of(plan: Plan, inventory: Inventory, points: Sequence[str]) -> str | None:
    """The channel of the first of the points on an instrument: the one it names, or else the place of its detector."""
    if not points:
        return None
    point = plan.point_named(points[0])
    return point.channel or (inventory.detector_named(point.detector).channel if point.detector else None)


def narrowed(instrument: OwnedInstrument, framing: Framing) -> Framing:
    """The model's commands, in its order, without those that the inventory leaves out."""
    kept = {}
    for place in PLACES:
        typed, names = getattr(instrument, place), getattr(framing, place)
        kept[place] = names if typed is None else tuple(n for n in names if n in typed)
    return Framing(**kept)


def as_typed(instrument: OwnedInstrument) -> Framing:
    """What an inventory of an earlier release has typed in full."""
    return Framing(**{place: getattr(instrument, place) or () for place in PLACES})


def _published(state: State) -> Framing:
    said = state.framing
    return Framing() if said is None else Framing(**{place: tuple(getattr(said, place)) for place in PLACES})


def _other_rule(instrument: OwnedInstrument, who: str, allowed: Sequence[str]) -> str:
    return (
        f"The inventory says that {instrument.id} integrates '{instrument.integrates}', {who} has"
        f" {' or '.join(repr(a) for a in allowed) or 'nothing that adds up'}: strike integrates out of the inventory."
    )


def _commands(instrument: OwnedInstrument, who: str, framing: Framing, integrates: str | None) -> Iterator[str]:
    for place in PLACES:
        typed, has = getattr(instrument, place), getattr(framing, place)
        if unknown := [name for name in typed or () if name not in has]:
            there = f"it has {', '.join(has)}" if has else "it has none"
            yield (
                f"The inventory sends {', '.join(unknown)} to {instrument.id} ({place}); {who} does not take that"
                f" there, {there}: strike {place} out of the inventory."
            )
    needed = framing.before if integrates == "reset" and instrument.before is not None else ()
    if left := [name for name in needed if name not in (instrument.before or ())]:
        yield (
            f"The inventory leaves {', '.join(left)} out of `before` of {instrument.id}, which integrates from there:"
            " without it what was collected earlier would count. Strike before out of the inventory."
        )
