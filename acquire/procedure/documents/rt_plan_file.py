"""The file of the planning system that a plan was made from: enough to know it again, and nothing of the patient."""

from __future__ import annotations

from pydantic import Field

from acquire.tomlfile import Written
from drivers.plain_words import form

UID = form(r"^[0-9.]{1,64}$", "1 to 64 digits and dots")
SHA256 = form(r"^[0-9a-f]{64}$", "64 digits 0 to 9 and a to f")


class RtPlanFile(Written):
    """A DICOM RT Plan: its SOP Instance UID, the SHA-256 of the file, its label, and its approval as it states it."""

    uid: str = Field(pattern=UID)
    sha256: str = Field(pattern=SHA256)
    label: str
    approval: str
    approved_at: str | None = None
