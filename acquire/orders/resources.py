"""The resources of a FHIR file, and what a reference in it leads to: contained, in the same Bundle, or elsewhere.

References are those of FHIR R4, 2.3.0.1: "#id", relative, absolute, with a version (/_history/3), "urn:uuid:", and the
conditional and logical ones that servers export. What leads elsewhere is kept whole: nothing is cut out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from acquire.orders.json_text import Table, table, tables, text
from acquire.orders.problems import NotAnOrder

MOST_ENTRIES = 500  # of a Bundle
_VERSION = re.compile(r"/_history/[^/?#]*$")
_RELATIVE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})$")
_CONDITIONAL = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)\?(?:.*&)?identifier=([^&]+)")


@dataclass(frozen=True, slots=True)
class Led:
    """Where a reference leads.

    name      how it is written down: the id of a relative one, the whole of one that leads elsewhere
    type      the type of the resource, None where nothing tells it
    resource  the resource itself, where the file has it
    """

    name: str
    type: str | None
    resource: Table | None = None


class Resources:
    """A ServiceRequest, what is contained in it, and what stands beside it in its Bundle."""

    def __init__(self, document: Table) -> None:
        """Raises NotAnOrder: another resource, a Bundle with none or several orders."""
        self._entries: list[tuple[str, Table]] = []
        kind = document.get("resourceType")
        if kind == "ServiceRequest":
            self.request = document
        elif kind == "Bundle":
            self.request = self._of_bundle(document)
        else:
            raise NotAnOrder(
                f"it is not as FHIR has an order: its resourceType is {str(kind)[:40]!a}, not ServiceRequest or Bundle."
            )
        self._contained = {text(each, "id"): each for each in tables(self.request, "contained")}

    def led(self, reference: Table, where: str) -> Led | None:
        """Where a reference leads; None where it says nothing. Raises NotAnOrder for one to what is not in the file."""
        stated = text(reference, "type", f"{where}.")
        told, logical = text(reference, "reference", f"{where}."), table(reference, "identifier", f"{where}.")
        if told is None:
            value = text(logical, "value", f"{where}.identifier.")
            if value is None:
                return None
            resource = self._by_identifier(text(logical, "system"), value, stated)
            return Led(value, stated or _type(resource), resource)
        if told.startswith("#"):
            resource = self._contained.get(told[1:])
            if resource is None:
                raise NotAnOrder(f"{where} is '{told[:80]}', and nothing of that id is contained in the order.")
            return Led(_own_name(resource) or told, _type(resource), resource)
        whole = _VERSION.sub("", told)
        if conditional := _CONDITIONAL.match(whole):
            system, _, value = conditional[2].rpartition("|")
            return Led(conditional[2], conditional[1], self._by_identifier(system or None, value, conditional[1]))
        resource = self._beside(whole)
        relative = _RELATIVE.match(whole)
        kind = _type(resource) or (relative[1] if relative else None) or stated
        if stated is not None and kind != stated:
            raise NotAnOrder(f"{where} is '{told[:80]}', and its type says {stated[:40]}: they name two kinds.")
        is_own = relative is not None and whole == f"{relative[1]}/{relative[2]}"
        name = relative[2] if relative and is_own else whole
        return Led(_own_name(resource) or name if whole.startswith("urn:") else name, kind, resource)

    def _of_bundle(self, document: Table) -> Table:
        entries = tables(document, "entry")
        if len(entries) > MOST_ENTRIES:
            raise NotAnOrder(f"the Bundle has {len(entries)} entries; at most {MOST_ENTRIES} are read.")
        if document.get("type") == "history":
            raise NotAnOrder("the Bundle is a history: it tells what was, not what is; send the order as it stands.")
        for each in entries:
            resource = table(each, "resource", "entry.")
            if table(each, "request", "entry.").get("method") == "DELETE":
                raise NotAnOrder(
                    "the Bundle asks for something to be deleted; end an order with `acquire order cancel`."
                )
            self._entries.append((_VERSION.sub("", text(each, "fullUrl", "entry.") or ""), resource))
        orders = [each for _, each in self._entries if each.get("resourceType") == "ServiceRequest"]
        if len(orders) != 1:
            raise NotAnOrder(f"the Bundle holds {len(orders)} orders (ServiceRequest); give a file with exactly one.")
        return orders[0]

    def _beside(self, whole: str) -> Table | None:
        for url, resource in self._entries:
            own = f"{resource.get('resourceType')}/{resource.get('id')}"
            if whole in (url, own) or (url and not whole.startswith("urn:") and url.endswith(f"/{whole}")):
                return resource
        return None

    def _by_identifier(self, system: str | None, value: str, kind: str | None) -> Table | None:
        for _, resource in self._entries:
            if kind in (None, resource.get("resourceType")):
                for each in tables(resource, "identifier"):
                    if each.get("value") == value and system in (None, each.get("system")):
                        return resource
        return None


def _type(resource: Table | None) -> str | None:
    return None if resource is None else text(resource, "resourceType")


NPI = ("http://hl7.org/fhir/sid/us-npi", "urn:oid:2.16.840.1.113883.4.6")


def _own_name(resource: Table | None) -> str | None:
    """By what a resource is known outside: its national provider number, or its first identifier, or its id."""
    if resource is None:
        return None
    told = [each for each in tables(resource, "identifier") if text(each, "value")]
    told.sort(key=lambda each: each.get("system") not in NPI)
    return text(told[0], "value") if told else text(resource, "id")
