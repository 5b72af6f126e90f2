"""PyMeasure's ThorlabsPM100USB on a meter at the VISA resource it is given; prints what it saw as JSON."""

import json
import sys

from pymeasure.instruments.thorlabs import ThorlabsPM100USB


def main():
    meter = ThorlabsPM100USB(
        sys.argv[1], visa_library="@py", read_termination="\n", write_termination="\n", timeout=5000
    )
    meter.wavelength = 900
    seen = {
        "id": meter.id,
        "sensor": [meter.sensor_name, meter.sensor_sn, meter.sensor_cal_msg, meter.sensor_type, meter.sensor_subtype],
        "flags": [
            meter.is_power_sensor,
            meter.is_energy_sensor,
            meter.wavelength_settable,
            meter.has_temperature_sensor,
        ],
        "limits": [meter.wavelength_min, meter.wavelength_max],
        "wavelength": meter.wavelength,
        "power": meter.power,
    }
    meter.wavelength = 2000
    seen["too long"] = meter.wavelength
    print(json.dumps(seen))


main()
