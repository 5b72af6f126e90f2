"""The model of a simulated PM100: the meter with its commands."""

from __future__ import annotations

from dataclasses import fields

from simulators.model import WireModel
from simulators.thorlabs import commands
from simulators.thorlabs.meter import Pm100Options, SimulatedPm100

MODEL = WireModel(
    model="thorlabs-pm100",
    title="Thorlabs PM100USB power meter",
    assumed=(
        "names, serial numbers, calibration texts, responsivity and ranges of the sensors",
        "a reading has nine digits; beyond the range it is 9.9E37, without a usable sensor 9.91E37",
        "a zero takes 2 s and then subtracts the mean current of that time, whatever shines on the sensor",
        "defaults after power-on: power in W, autorange, 635 nm; 100 samples by a public client",
        "an attenuation raises the power where it is positive; a reference is subtracted in W or A",
        "it prints nothing when it is switched on; *OPT?, *SAV and *RCL are those of every simulated SCPI instrument",
        "energy, frequency, temperature and density are known by name and refused with -221",
    ),
    options=tuple(each.name for each in fields(Pm100Options)),
    make=lambda clock, seed, options: SimulatedPm100(clock, seed, Pm100Options(**options), commands.enter),
)
