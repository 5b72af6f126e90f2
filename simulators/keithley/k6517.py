"""The Keithley 6517A and 6517B electrometers: what they have beyond the base, and the differences between the two.

Headers are from the 6517B reference manual, section 14, and from programs that drive a real unit
(``:SENSe:<function>:REFerence`` is used so by a public charge-meter program). ``:SOURce:VOLTage:RANGe:AUTO`` is
accepted because PyMeasure sends it.
"""

from __future__ import annotations

from dataclasses import replace

from simulators.keithley import k6517_commands
from simulators.keithley.conversion import Function, decades
from simulators.keithley.electrometer import Kind
from simulators.keithley.reading_6517 import DEFAULT_ELEMENTS, ELEMENTS, STORED_ELEMENTS, reading_string, sentinels

HIGHEST_OHMS = 100e18
CHARGE_GROUPS = (("HIGH", decades(-7, -6)), ("LOW", decades(-9, -8)))

# 6517B reference manual, section 13, measurement event register
MEASUREMENT_BITS = {
    "overflow": 1 << 0, "low1": 1 << 1, "high1": 1 << 2, "low2": 1 << 3, "high2": 1 << 4, "reading": 1 << 5,
    "underflow": 1 << 6, "available": 1 << 7, "half": 1 << 8, "full": 1 << 9, "compliance": 1 << 14,
}  # fmt: skip

KIND_B = Kind(
    model="keithley-6517b",
    title="Keithley 6517B electrometer",
    identity=("MODEL 6517B", "4096271", "A13/700X"),
    functions={
        "VOLT": Function("VOLTage[:DC]", "VOLTage:DC", "VDC", decades(0, 2)),
        "CURR": Function("CURRent[:DC]", "CURRent:DC", "ADC", decades(-11, -2)),
        "RES": Function("RESistance", "RESistance", "OHM", decades(6, 18), most=HIGHEST_OHMS),
        "CHAR": Function("CHARge", "CHARge", "COUL", decades(-9, -6), CHARGE_GROUPS),
    },
    function="VOLT",
    elements=ELEMENTS,
    default_elements=DEFAULT_ELEMENTS,
    show=reading_string,
    sentinels=sentinels,
    tables=(k6517_commands.enter,),
    math=("NONE", {"MA0F": 0.0, "MA1F": 1.0, "MA2F": 0.0, "PERC": 1.0, "PDEV": 1.0, "DEV": 1.0, "RAT": 1.0}),
    terminator="crlf",
    no_error="No error",
    queue_overflow=350,
    measurement_bits=MEASUREMENT_BITS,
    arms=2,
    cycles_per_plc=6.0,
    buffer_size=50000,
    shared_settings=False,
    zero_check_blinds=True,
    wakes_running=True,
    keeps_trace=False,
    fetches_all=False,
    stored_elements=STORED_ELEMENTS,
    input_bias_a=4e-15,
    assumed=(
        "one conversion takes 1 ms plus six power line cycles per PLC, after reading rates seen in captures",
        "the unit powers up in zero check and measures continuously",
        "numbers in answers to setting queries; the texts of channel, temperature and humidity elements",
        "the size of the charge hop at zero check, and the noise; the resistance ranges",
        ":INIT:POFLag is INCLude after *RST, and nothing is pending before the first INIT",
        "a query for a fresh reading fails with -230 at once when idle or when only a bus trigger would go on",
        "a filter takes what is there until it is full, and starts anew when it or the range is changed",
        "zero correction takes off the input bias current; the formulas of deviation and ratio",
        "the V-source drives nothing; its limits, the interlock, scanner and test sequences are remembered",
        "commands that are only remembered change nothing (acquire drivers --commands marks them)",
    ),
)
KIND_A = replace(
    KIND_B,
    model="keithley-6517a",
    title="Keithley 6517A electrometer",
    identity=("MODEL 6517A", "0972959", "C05  /A02"),
    no_error="No Error",  # the capital E was captured from a real 6517A; the 6517B manual prints a small one
)
MODEL_A = KIND_A.wire_model()
MODEL_B = KIND_B.wire_model()
