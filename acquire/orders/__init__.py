"""Orders as they come: FHIR of two releases, HL7 v2, and a form written by hand, read into one Order.

Everything here is pure: bytes in, an order and the patient's identity out, apart from each other. What is kept of it,
and where, is the store's (acquire.procedure.documents.order) and the patients' room (acquire.patients).
"""

from acquire.orders.order import Order, Telephone
from acquire.orders.read import read_request
from acquire.orders.request import Request, Site

__all__ = ["Order", "Request", "Site", "Telephone", "read_request"]
