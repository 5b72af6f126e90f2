"""DICOM RT Plans: what a plan of a measurement can take from them, and nothing of who the patient is but to compare it.

Read by pydicom, which knows the bytes; which tags mean what is of DICOM PS3.3, RT Plan (tags verified in dossier 4.4).
"""

from acquire.rtplan.model import Beam, Channel, RtPlan
from acquire.rtplan.reading import LARGEST, read_rt_plan

__all__ = ["LARGEST", "Beam", "Channel", "RtPlan", "read_rt_plan"]
