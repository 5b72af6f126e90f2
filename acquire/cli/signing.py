"""session review, interpret, decide, sign, amend, versions; order cover: the record as people stand by it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire.cli.door import Oidc, PasswordFile
from acquire.cli.place import By, ConfigOption, SessionId, StoreOption, open_store
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, say, table, tell, told
from acquire.terminal.progress import waiting

Text = Annotated[str, typer.Option("--text", help="In words; printed in the record.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; printed in the record.")]


def register(sessions: typer.Typer) -> None:
    """Add these commands to those of sessions; `cover` is one of orders."""
    for command in (review, interpret, decide, sign, amend, versions):
        sessions.command(command.__name__)(command)


def review(
    session: SessionId, text: Text, by: By, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write the physicist's opinion of the results; it is signed by `session sign`."""
    _written(session, "review", text, by, config, store, as_json)


def interpret(
    session: SessionId, text: Text, by: By, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write the physician's interpretation: what the results mean for this patient."""
    _written(session, "interpretation", text, by, config, store, as_json)


def decide(
    session: SessionId,
    plan: Annotated[Literal["unchanged", "adjusted", "re-planned"], typer.Argument(help="What becomes of the plan.")],
    text: Annotated[str, typer.Option("--text", help="Why, and how it is adjusted; printed in the record.")],
    by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Write the physician's decision on the plan."""
    _written(session, "decision", text, by, config, store, as_json, plan)


def _written(
    session: str, what: Any, text: str, by: str, config: Path | None, store: str | None, as_json: bool, plan: Any = None
) -> None:
    from acquire.procedure.signing.writing import write  # noqa: PLC0415

    with open_store(config, store) as connection:
        version = write(connection, session, what, text, by, plan)
    if as_json:
        emit({"session": session, "version": version, "written": what})
    else:
        tell(f"{session}: the {what} of version {version} is written; print the record, read it, sign it.")


def sign(
    session: SessionId,
    seen: Annotated[str, typer.Option("--seen", metavar="SHA256", help="'To be signed' of the page you have read.")],
    by: By, password_file: PasswordFile = None, oidc: Oidc = False, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Sign the record that you have read, with your password, or anew at the provider: as physicist its review, as
    physician its interpretation and decision."""
    from acquire.cli.people import shown as shown_by  # noqa: PLC0415
    from acquire.procedure.signing.shown import printed  # noqa: PLC0415
    from acquire.record.signing import kept_pdf  # noqa: PLC0415
    from acquire.record.signing import sign as sign_record  # noqa: PLC0415

    with open_store(config, store) as connection:
        account = shown_by(connection, config, by, password_file, "sign", oidc=oidc)
        with waiting("Laying out the record"):
            made = sign_record(connection, session, account, seen)
        if not as_json:  # before the PDF, which takes seconds: it is signed whatever becomes of that
            of = f", covering for {made.covering_for}" if made.covering_for else ""
            tell(f"{session} version {made.version}: {made.meaning} signed by {made.name}{of} at {made.local_at}.")
        try:
            if made.meaning == "interpretation":
                with waiting("Signed; making its PDF"):
                    kept_pdf(connection, session, made.version)
        except Refused as why:
            say(f"It is signed, and its page is kept. No PDF of it yet: {why}")
    if as_json:
        emit({"session": session, "version": made.version, **printed(made)})


def amend(
    session: SessionId, reason: Reason, by: By, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Open a new version of a signed record, to be signed anew; says who was given the one before."""
    from acquire.procedure.signing import corrections, writing  # noqa: PLC0415

    with open_store(config, store) as connection:
        version = writing.amend(connection, session, reason, by)
        had = corrections.who_had(connection, session, version)
    if as_json:
        emit({"session": session, "version": version, "to_be_corrected": had})
        return
    tell(f"{session}: version {version} is open; version {version - 1} stands as it was signed.")
    if had:
        say(
            f"What was signed before is with {', '.join(had)}: they are to get the correction once it is signed;"
            " whoever has an address in [notices] gets mail then."
        )


def versions(session: SessionId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Every version with its signatures, why it came, and who was given it."""
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.signing import corrections, rows, shown  # noqa: PLC0415
    from acquire.procedure.signing.standing import standing  # noqa: PLC0415

    with open_store(config, store) as connection:
        now = standing(connection, get_session(connection, session))
        given = rows.disclosures_of(connection, session)
        signed = rows.signatures_of(connection, session)
        had = corrections.who_had(connection, session, now.version)
        told = dict(corrections.told_of(connection, session, now.version))
    reasons = {each.version: each.reason for each in now.amendments}
    found: list[dict[str, Any]] = [
        {
            "version": n,
            "reason": reasons.get(n),
            "signatures": [shown.printed(each) for each in signed if each.version == n],
            "given_to": list(dict.fromkeys(each.recipient for each in given if each.version == n)),
        }
        for n in range(1, now.version + 1)
    ]
    if as_json:
        correction = [{"name": name, "told": told.get(name)} for name in had]
        emit({"session": session, "versions": found, "changed_since_signature": list(now.changes),
              "to_be_corrected": correction})  # fmt: skip
        return
    columns = ("version", "why", "signed", "given to")
    table(f"Versions of {session}", columns, [
        (f["version"], f["reason"] or "", _signed(f["signatures"]), ", ".join(f["given_to"])) for f in found
    ])  # fmt: skip
    for name in had:
        say(f"{name} had a version before this one: {told.get(name, 'not told yet')}.")
    for sentence in now.changes:
        say(f"Since version {now.version} was signed: {sentence}")


def _signed(signatures: list[dict[str, Any]]) -> str:
    return "; ".join(f"{s['meaning']}: {s['name']}, {s['local_at']}" for s in signatures) or "not signed"


def cover(
    order: Annotated[str, typer.Argument(metavar="ORDER")],
    physician: Annotated[str, typer.Argument(metavar="PHYSICIAN")],
    reason: Reason, by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Name a physician who may interpret and sign in the place of the one who ordered."""
    from acquire.procedure.signing.writing import cover as name_cover  # noqa: PLC0415

    with open_store(config, store) as connection:
        named = name_cover(connection, order, physician, reason, by)
    told(f"{order}: {named} may sign for the prescriber.", as_json=as_json, order=order, physician=named)
