"""The JSON reads of a UNIDOS: key names after PyMeasure's ptwUNIDOS, value types and contents assumed.

On the wire every comma is a semicolon, so no string in here may hold one of the two.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from simulators.ptw_unidos.meter import DoseMeter
from simulators.ptw_unidos.options import UnidosOptions

GUID = "3f2b8c1e-0001-4000-8000-000000030013"
LAN = {"dns": "0.0.0.0", "ipv4": "127.0.0.1", "ipv6": "::1"}
ACCESS_POINT = {"enabled": False, "ssid": "UNIDOS"}
SYSTEM: dict[str, Any] = {
    "brightness": 80, "date": "2026-01-05", "keyboardSound": False, "locale": "en_GB", "mark": "",
    "startAsMaster": False,
    "time": "08:00:00", "timezone": "UTC", "volume": 50,
}  # fmt: skip


Record = dict[str, Any]


class Named(Protocol):
    """What the device record needs of the unit."""

    name: str
    type_number: str
    serial: str
    firmware: str
    hardware: str
    mac: str


def wire_json(value: Any) -> str:
    """Compact JSON with every comma written as semicolon; raises ValueError when a string holds one of the two."""
    for text in _strings(value):
        if "," in text or ";" in text:
            raise ValueError(f"The text {text!r} cannot go over a UNIDOS wire; leave commas and semicolons out.")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace(",", ";")


def detectors(chosen: UnidosOptions) -> list[dict[str, Any]]:
    """All detectors in the unit's library."""
    return [
        {
            "calibrationFactor": chosen.calibration_gy_per_c, "calibrationFactorUnit": "Gy/C", "calibrationLab": "PTW",
            "calibrationProcedure": "", "calibrationTemp": 293.15, "calibrationType": "D_W", "calibrationUser": "",
            "comment": "", "guid": GUID, "manufacturer": "PTW", "maxHv": chosen.max_hv, "measuredQuantity": "D",
            "minHv": chosen.min_hv, "name": "Farmer 30013", "nominalHv": 400, "polarity": "+",
            "radiationQuality": "Co-60",
            "range": "MEDIUM", "serialNumber": "000001", "testDate": "", "testLimits": "", "testResult": "",
            "testTarget": "", "timebase": "min", "type": "ionization chamber", "typeNumber": "TM30013",
        }
    ]  # fmt: skip


def measurement(meter: DoseMeter) -> dict[str, Any]:
    """What RMR shows: the settings of the measurement, the voltage in V, the interval in s."""
    return {
        "correction": 1.0, "detectorGuid": GUID, "highResolution": False, "hv": meter.voltage_v,
        "integrationTime": meter.interval_s, "isElectrical": meter.electrical, "limitDose": 0.0,
        "limitDoseEnabled": False,
        "limitDoseRate": 0.0, "limitDoseRateEnabled": False, "range": meter.range_, "triggerAuto": meter.autostart,
        "triggerReset": meter.autoreset, "triggerSensitivity": meter.autostart_level,
    }  # fmt: skip


def device(unit: Named) -> dict[str, Any]:
    """What RIR shows: who the unit is, its versions and dates."""
    return {
        "calibrationDate": "2025-06-01", "debugBuild": False, "features": [], "hardwareVersion": unit.hardware,
        "hostname": "unidos", "lastTest": "", "macAddress": unit.mac, "nextCalibration": "2027-06-01",
        "serialNumber": unit.serial, "softwareVersion": unit.firmware, "testTemperature": 293.15,
        "typeNumber": unit.type_number,
    }  # fmt: skip


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in [key, *_strings(each)]]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []
