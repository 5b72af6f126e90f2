"""The record as PDF/A-3a: the page as it prints, tagged, with the record's own JSON inside it (ADR 0044).

The same record gives the same bytes: dates and the file's identifier come from the record, fonts from matplotlib's
package and not from the machine. WeasyPrint and its library Pango are loaded when the first PDF is made.
"""

from __future__ import annotations

import logging
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from acquire.errors import Refused
from acquire.record.build import as_json
from acquire.record.page import html, packaged

VARIANT = "pdf/a-3a"
NO_PANGO = (
    "A PDF needs the library Pango, which is not installed here: 'apt-get install libpango-1.0-0 libpangoft2-1.0-0'"
    " brings it. The page (--format html) needs nothing, and a browser prints it."
)
FACES = (
    ("DejaVu Sans", "DejaVuSans.ttf", "400", "normal"),
    ("DejaVu Sans", "DejaVuSans-Bold.ttf", "700", "normal"),
    ("DejaVu Sans", "DejaVuSans-Oblique.ttf", "400", "italic"),
    ("DejaVu Sans Mono", "DejaVuSansMono.ttf", "400", "normal"),
    ("DejaVu Serif", "DejaVuSerif-Bold.ttf", "600", "normal"),
)


def made_with() -> str:
    """What makes the PDF, with its version."""
    return f"WeasyPrint {metadata.version('weasyprint')}"


def pdf(record: dict[str, Any]) -> bytes:
    """The PDF of a record made by `acquire.record.build`. Raises Refused where Pango is missing."""
    library = _library()
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - needs Pango

    fetch, fonts = library.URLFetcher(allowed_protocols={"data", "file"}), FontConfiguration()
    style = library.CSS(string=_style(record), url_fetcher=fetch, font_config=fonts)
    made = datetime.fromisoformat(_moment(record))
    inside = library.Attachment(
        string=as_json(record), name=f"{record['id']}-v{record['version']}.json", relationship="Source", created=made,
        modified=made, description="The record as canonical JSON",
    )  # fmt: skip
    page = library.HTML(string=_dated(html(record, paper=True), record), url_fetcher=fetch, media_type="print")
    written = page.write_pdf(
        stylesheets=[style], font_config=fonts, attachments=[inside], pdf_variant=VARIANT, pdf_tags=True,
        pdf_identifier=record["sha256"][:32].encode(),
    )  # fmt: skip
    assert written is not None
    return bytes(written)


def _library() -> Any:
    try:
        import weasyprint  # noqa: PLC0415 - takes half a second, and needs Pango
    except (ImportError, OSError):
        raise Refused(NO_PANGO) from None
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it would tell of every property that is for screens
    return weasyprint


def _moment(record: dict[str, Any]) -> str:
    """When what is printed came about: the last signature, or else the last change of the session's state."""
    return str(record["signatures"][-1]["at"] if record["signatures"] else record["session"]["states"][-1]["at"])


def _dated(page: str, record: dict[str, Any]) -> str:
    """The page with its date for whoever reads a file's properties."""
    at = _moment(record)[:19] + "Z"
    names = "".join(f'<meta name="dcterms.{what}" content="{at}">' for what in ("created", "modified"))
    return page.replace("</head>", f"{names}</head>", 1)


def _style(record: dict[str, Any]) -> str:
    import matplotlib as mpl  # noqa: PLC0415

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    faces = [
        f'@font-face {{ font-family: "{family}"; src: url({(folder / file).as_uri()}); font-weight: {weight};'
        f" font-style: {slant} }}"
        for family, file, weight, slant in FACES
    ]
    return "\n".join([*faces, packaged("record_pdf.css"), packaged("draft.css") if record["status"] == "DRAFT" else ""])
