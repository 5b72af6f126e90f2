"""InstrumentKit's PM100USB client on a meter at the VISA socket resource it is given; prints what it saw as JSON."""

import json
import sys

import instruments


def main():
    _, host, port, _ = sys.argv[1].split("::")
    meter = instruments.thorlabs.PM100USB.open_tcpip(host, int(port))
    meter.terminator = "\n"
    meter.averaging_count = 20
    meter.measurement_configuration = meter.MeasurementConfiguration.power
    seen = {
        "name": meter.name,
        "averaging": meter.averaging_count,
        "configured": meter.measurement_configuration.value,
        "reading": float(meter.read().magnitude),
        "unit": str(meter.read().dimensionality),
    }
    try:
        seen["sensor"] = meter.sensor.name
    except AttributeError as error:  # it sends the query and never reads the reply
        seen["sensor"] = type(error).__name__
    print(json.dumps(seen))


main()
