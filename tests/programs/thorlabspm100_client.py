"""PyPI's ThorlabsPM100 on a meter at the VISA socket resource it is given; prints what it saw as JSON."""

import json
import socket
import sys

from ThorlabsPM100 import ThorlabsPM100


class Socket:
    """What the client asks of a connection."""

    def __init__(self, host, port):
        self.file = socket.create_connection((host, int(port)), timeout=5).makefile("rwb", buffering=0)

    def write(self, message):
        self.file.write(message.encode() + b"\n")

    def query(self, message):
        self.write(message)
        return self.file.readline().decode()


def main():
    _, host, port, _ = sys.argv[1].split("::")
    meter = ThorlabsPM100(inst=Socket(host, port))
    sense = meter.sense
    meter.configure.scalar.power()
    sense.power.dc.unit = "W"
    sense.average.count = 20
    sense.correction.wavelength = 900
    sense.power.dc.range.auto = "ON"
    seen = {
        "sensor": meter.system.sensor.idn,
        "configured": meter.getconfigure,
        "limits": [sense.correction.minimum_wavelength, sense.correction.maximum_wavelength],
        "set": [sense.correction.wavelength, sense.average.count, sense.power.dc.unit, sense.power.dc.range.auto],
        "power": meter.read,
        "response": sense.correction.power.pdiode.response,
    }
    meter.configure.scalar.current.dc()
    seen["current"] = meter.read
    sense.current.dc.range.upper = 2e-5
    seen["range"] = [sense.current.dc.range.upper, sense.current.dc.range.auto]
    meter.input.pdiode.filter.lpass.state = 0
    seen["low pass"] = meter.input.pdiode.filter.lpass.state
    zero = sense.correction.collect.zero
    zero.initiate()
    seen["zeroing"] = zero.state
    zero.abort()
    seen["aborted"] = [zero.state, zero.magnitude]
    seen["error"] = meter.system.error.next
    meter.measure.scalar.power()  # it sends the header without a question mark
    seen["error of measure.scalar.power"] = meter.system.error.next
    print(json.dumps(seen))


main()
