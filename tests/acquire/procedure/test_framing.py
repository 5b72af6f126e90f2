"""Inventory, model and state: what each may say of how an instrument adds up and what frames a measurement."""

from __future__ import annotations

import pytest
from scenario_a import published

from acquire.bus.messages import State
from acquire.errors import Refused
from acquire.procedure.documents.inventory import OwnedInstrument
from acquire.procedure.documents.plan import Step
from acquire.procedure.session import framing
from drivers import registry
from drivers.model import Framing

TANGO = "ptw-unidos-tango"
BEAM = Step(id="b1", kind="irradiate", title="b1", instrument="e-1", point="B1")
THRESHOLD = Step(id="t1", kind="threshold", title="t1", instrument="e-1", point="B1")
ZERO = Step(id="z1", kind="zero", title="z1", instrument="e-1")


def owned(model=TANGO, **typed):
    return OwnedInstrument(id="e-1", model=model, serial="17", **typed)


def state(name=TANGO, /, **said):
    return State.model_validate({**published(name), "serial": "17", **said})


def begun(instrument=None, step=BEAM, channel=None, **said):
    instrument = instrument or owned()
    model = registry.model(instrument.model)
    return framing.in_force(instrument, step, channel, state(instrument.model, **said), model, charge=step.integrates)


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"integrates": "reset", "zero": ("zero",), "before": ("reset",), "start": ("start",), "stop": ("hold",)},
        {"zero": (), "start": (), "stop": ()},
    ],
)
def test_an_inventory_may_say_nothing_the_same_or_less(typed):
    assert list(framing.of_model(owned(**typed), registry.model(TANGO))) == []
    assert list(framing.of_state(owned(**typed), state())) == []


CONTRADICTIONS = [
    (
        TANGO,
        {"integrates": "running"},
        "The inventory says that e-1 integrates 'running', {} has 'reset': strike integrates out of the inventory.",
    ),
    (
        "keithley-6517b",
        {"before": ("reset",)},
        "The inventory sends reset to e-1 (before); {} does not take that there, it has none: strike before out of the"
        " inventory.",
    ),
    (
        TANGO,
        {"stop": ("hold", "stop")},
        "The inventory sends stop to e-1 (stop); {} does not take that there, it has hold: strike stop out of the"
        " inventory.",
    ),
    (
        TANGO,
        {"before": ()},
        "The inventory leaves reset out of `before` of e-1, which integrates from there: without it what was collected"
        " earlier would count. Strike before out of the inventory.",
    ),
]


@pytest.mark.parametrize(("model", "typed", "said"), CONTRADICTIONS)
def test_what_contradicts_the_model_or_the_state_is_one_sentence(model, typed, said):
    assert list(framing.of_model(owned(model, **typed), registry.model(model))) == [said.format(model)]
    assert list(framing.of_state(owned(model, **typed), state(model))) == [said.format("e-1")]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"driver": "keithley-6517b"}, "e-1 is a keithley-6517b; the inventory has a ptw-unidos-tango there."),
        (
            {"serial": "18"},
            "e-1 says that its serial number is 18, the inventory has 17: another instrument is connected, or the"
            " inventory is wrong.",
        ),
        ({"measures": "current"}, "e-1 is set to current; step b1 needs its charge: set it to charge first."),
        ({"integrates": "none"}, "e-1 gives no charge that adds up (none); step b1 collects one."),
        (
            {"channels": ["1", "2"]},
            "Step b1 does not say which channel of e-1 it measures: give its point or its detector one of 1, 2.",
        ),
    ],
)
def test_an_instrument_that_cannot_give_what_the_step_collects_is_refused_at_its_begin(said, sentence):
    with pytest.raises(Refused) as refused:
        begun(**said)
    assert list(refused.value.sentences) == [sentence]


@pytest.mark.parametrize(
    ("channel", "channels", "sentence"),
    [
        ("3", ["1", "2"], "Step b1 names channel 3; e-1 has 1, 2."),
        ("1", [], "Step b1 names channel 1, but e-1 has no channels: leave it out."),
    ],
)
def test_a_channel_that_is_not_there_is_refused(channel, channels, sentence):
    with pytest.raises(Refused) as refused:
        begun(channel=channel, channels=channels)
    assert list(refused.value.sentences) == [sentence]


def test_what_holds_at_a_begin_is_what_the_state_says_not_what_is_installed_here():
    other = {"zero": ["nul"], "before": ["clear"], "start": ["go"], "stop": ["halt"]}
    found = begun(framing=other, integrates="running", measures="charge", channels=["A", "B"], channel="B")
    assert found.framing == Framing(("nul",), ("clear",), ("go",), ("halt",))
    assert (found.integrates, found.measures, found.channel, found.serial) == ("running", "charge", "B", "17")


def test_what_the_inventory_leaves_out_is_not_sent():
    found = begun(owned(zero=(), start=(), stop=()))
    assert found.framing == Framing(before=("reset",))


def test_a_daemon_of_an_earlier_release_publishes_no_framing_and_the_model_says_it():
    found = begun(framing=None, integrates=None, channels=[])
    assert (found.framing, found.integrates) == (registry.model(TANGO).framing, "reset")
    with pytest.raises(Refused, match="leaves reset out"):
        begun(owned(before=()), framing=None, integrates=None)


def test_the_spelling_on_an_instruments_front_is_not_compared_with_the_name_of_its_model():
    assert begun(model="UNIDOS Tango TM10053", driver=TANGO).model == TANGO


def test_a_threshold_needs_a_voltage_and_a_zero_neither_charge_nor_channel():
    with pytest.raises(Refused, match="is set to charge; step t1 needs its voltage"):
        begun(step=THRESHOLD, measures="charge")
    assert begun(step=ZERO, measures="current", integrates="none", channels=["1", "2"]).channel is None


def test_a_serial_number_that_the_instrument_cannot_tell_is_a_persons_word_in_the_record():
    untold = "not told by the instrument; the inventory says 17"
    assert begun(owned(model="keithley-617"), serial=None, model="617").serial == untold
    assert begun(owned(model="keithley-617"), serial="17", model="617").serial == "17"
    assert begun(owned(model="keithley-617"), serial=None, model=None).serial == untold
