"""A file that holds an order, of whichever kind: it is known by its content, not by its name."""

from __future__ import annotations

from datetime import UTC, datetime

from acquire.errors import FileProblem
from acquire.orders import fhir, form
from acquire.orders.problems import NotAnOrder
from acquire.orders.request import Request, Site, judged

BOM = b"\xef\xbb\xbf"


def is_message(body: bytes) -> bool:
    """Whether it is a message of HL7 v2, with or without the frame of its transport."""
    return body.removeprefix(BOM).lstrip(b"\x0b\r\n")[:3] in (b"MSH", b"FHS", b"BHS")


def read_request(body: bytes, name: str, now: datetime | None = None, site: Site | None = None) -> Request:
    """The order of a file, FHIR (JSON) or a form (TOML), judged as of `now` (UTC).

    Raises FileProblem with one sentence for each thing that is wrong.
    """
    now, site = now or datetime.now(UTC), site or Site()
    body = body.removeprefix(BOM)
    try:
        is_json = body.lstrip()[:1] in (b"{", b"[") or not form.looks_like_one(body)
        found, problems = fhir.read(body, site, now) if is_json else form.read(body, name, site, now)
    except NotAnOrder as error:
        raise FileProblem(*(f"{name}: {each}" for each in error.sentences)) from error
    problems = [*problems, *judged(found.order, now)] if found is not None else problems
    if problems or found is None:
        raise FileProblem(*(f"{name}: {problem}" for problem in problems))
    return found
