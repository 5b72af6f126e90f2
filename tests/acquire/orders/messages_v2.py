"""Messages of HL7 v2 for tests, each segment by itself; every id is invented."""

from __future__ import annotations

from typing import Any

NEED = "Necessity: a hip prosthesis beside two of the beams. Result decides: whether MU are rescaled."


def msh(kind: str = "OMG^O19^OMG_O19", control_id: str = "M-1", **more: Any) -> str:
    fields = {
        3: "MOSAIQ",
        4: "RADONC",
        5: "ACQUIRE",
        7: "20260302081000-0500",
        9: kind,
        10: control_id,
        11: "P",
        12: "2.5.1",
    }
    fields |= {int(name.removeprefix("f")): value for name, value in more.items()}
    return "MSH|^~\\&|" + "|".join(fields.get(n, "") for n in range(3, 19)).rstrip("|")


def pid(number: str = "MRN-EXAMPLE-1^^^HOSP^MR", name: str = "EXAMPLE^ANNA", born: str = "19600101") -> str:
    return f"PID|1||{number}||{name}||{born}|F"


def orc(
    control: str = "NW",
    order: str = "ORD-V2-1",
    who: str = "RO-1^ONCOLOGIST^ALEX^^^^MD",
    at: str = "20260302081000-0500",
) -> str:
    return f"ORC|{control}|{order}^MOSAIQ|||||||{at}|||{who}"


def obr(order: str = "ORD-V2-1", service: str = "77331^Special dosimetry^C4") -> str:
    return f"OBR|1|{order}^MOSAIQ||{service}"


def nte(text: str = NEED) -> str:
    return f"NTE|1||{text}"


def message(*segments: str, encoding: str = "ascii") -> bytes:
    return ("\r".join(segments) + "\r").encode(encoding)


def order(
    control: str = "NW",
    number: str = "ORD-V2-1",
    control_id: str = "M-1",
    number_of: str = "MRN-EXAMPLE-1^^^HOSP^MR",
    born: str = "19600101",
) -> bytes:
    """A whole order message; `number_of`: PID-3 of the patient."""
    asked = orc(control, number), obr(number), nte(), "DG1|1||C61^^I10"
    return message(msh(control_id=control_id), pid(number_of, born=born), *asked)


def merged(kept: str, retired: str, control_id: str = "A-1", event: str = "A40") -> bytes:
    structure = "ADT_A39" if event == "A40" else f"ADT_{event}"
    head = msh(f"ADT^{event}^{structure}", control_id)
    return message(head, f"EVN|{event}|20260302", pid(kept), f"MRG|{retired}")


def separated(one: str, other: str, control_id: str = "U-1") -> bytes:
    """An unlink of two patients by their numbers (PID-3)."""
    head = msh("ADT^A37^ADT_A37", control_id)
    return message(head, "EVN|A37|20260302", pid(one), pid(other, "EXAMPLE^BERTA", "19550505"))


def updated(number: str = "MRN-EXAMPLE-1^^^HOSP^MR", control_id: str = "U-1", event: str = "A08", **pid_: str) -> bytes:
    """What a registration says anew of a patient."""
    return message(msh(f"ADT^{event}^ADT_A01", control_id), f"EVN|{event}|20260302", pid(number, **pid_))
