"""PyMeasure's Keithley6517B on an electrometer at the VISA resource it is given, charge too; prints JSON."""

import json
import sys

from pymeasure.instruments.keithley import Keithley6517B


def main():
    unit = Keithley6517B(sys.argv[1], visa_library="@py", read_termination="\r\n", timeout=5000)
    unit.write(":SYST:ZCH 0")
    unit.measure_current(nplc=0.1)
    seen = {"id": unit.id, "current": unit.current}
    unit.write(":SENS:FUNC 'CHAR';:SENS:CHAR:RANG 2e-8")
    seen["asked"] = unit.ask(":MEAS?").strip()
    seen["charge"] = unit.current
    unit.measure_voltage(nplc=0.1)
    seen["voltage"] = unit.voltage
    seen["errors"] = unit.check_errors()
    print(json.dumps(seen))


main()
