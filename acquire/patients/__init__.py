"""Who the patients are: kept apart from the measurements, in a file of its own beside the store.

The store, the bus, the logs and the audit trail know a patient by an id that means nothing outside ("p-1f0c..."). What
stands behind it (record numbers, name, date of birth, and the messages as they came) is here, encrypted where a key is
configured. Whoever is given a copy of the store is given no identity; whoever loses the key loses no measurement.
"""

from acquire.patients.file import PatientsFile, beside
from acquire.patients.identity import Identifier, Identity
from acquire.patients.keys import make_key, read_key
from acquire.patients.room import Patients, PatientsError

__all__ = [
    "Identifier", "Identity", "Patients", "PatientsError", "PatientsFile", "beside", "make_key", "read_key",
]  # fmt: skip
