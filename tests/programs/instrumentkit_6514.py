"""InstrumentKit's Keithley 6514 client on an electrometer at the VISA socket resource it is given; prints JSON."""

import json
import sys

import instruments
import quantities


def main():
    _, host, port, _ = sys.argv[1].split("::")
    unit = instruments.keithley.Keithley6514.open_tcpip(host, int(port))
    unit.terminator = "\r"
    unit.sendcmd("*RST")
    unit.zero_check = True
    seen = {"name": unit.name}
    for mode in unit.Mode:
        unit.mode = mode
        unit.auto_range = True
        seen[mode.name] = [unit.mode.value, unit.auto_range, str(unit.unit.dimensionality)]
    unit.mode = unit.Mode.charge
    unit.auto_range = False
    unit.input_range = 2e-7 * quantities.coulomb
    seen["range"] = float(unit.input_range.magnitude)
    unit.mode = unit.Mode.current
    unit.trigger_mode = unit.TriggerMode.immediate
    unit.arm_source = unit.ArmSource.immediate
    seen["sources"] = [unit.trigger_mode.value, unit.arm_source.value]
    unit.zero_check = False
    reading, stamp = unit.read_measurements()
    seen["reading"] = [float(reading.magnitude), str(reading.dimensionality), stamp]
    fetched, again = unit.fetch()
    seen["fetched"] = [float(fetched.magnitude) == float(reading.magnitude), again == stamp]
    seen["error"] = unit.query(":SYST:ERR?")
    unit.zero_check = True
    seen["zero check"] = [unit.zero_check, unit.query("SYST:ZCH?")]  # it waits for ON and OFF
    print(json.dumps(seen))


main()
