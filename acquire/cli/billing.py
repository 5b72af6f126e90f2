"""billing: what 77331 asks for and a proposal for the charge, of a session, an order or a course; its dated tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from acquire.cli.elements import day
from acquire.cli.place import By, ConfigOption, SessionOrOrder, StoreOption, open_store
from acquire.plain_files import name_of, read_plain
from acquire.terminal.output import Json, emit, table, tell
from drivers import Misuse


class _ShowsByDefault(TyperGroup):
    """`acquire billing S-1` is `acquire billing show S-1`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShowsByDefault, no_args_is_help=True,
    help="Charge proposals for 77331 (`acquire billing SESSION` or ORDER), and the tables of unit limits.",
)  # fmt: skip
of_tables = typer.Typer(no_args_is_help=True, help="Dated tables of unit limits and of code pairs.")
app.add_typer(of_tables, name="table")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="billing")


@app.command("show")
def show(
    name: SessionOrOrder,
    course: Annotated[bool, typer.Option("--course", help="Every order and session of its course.")] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """One page: order, times, signatures, result, decision, equipment, units; each with a tick or what is missing."""
    from acquire.billing import judge, proposal  # noqa: PLC0415
    from acquire.record.billing_facts import claim_of  # noqa: PLC0415
    from acquire.record.build import rule_of  # noqa: PLC0415
    from acquire.terminal.claim_card import claim_card  # noqa: PLC0415

    with open_store(config, store) as connection:
        claim = claim_of(connection, name, course=course)
        judged = judge(claim)
    rules, charge = [rule_of(each) for each in judged], proposal(claim, judged)
    sessions = [s.id for s in claim.asked]
    if as_json:
        emit({"of": name, "course": course, "sessions": sessions, "rules": rules, "charge": charge})
    else:
        tell(claim_card(name, sessions, rules, charge))


@of_tables.command("add")
def table_add(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    by: By,
    valid_from: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First date of service, of a file of CMS.")
    ] = None,
    valid_until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last date of service.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Add a table: MUE or code pairs as CMS publishes them (text with separators), or a payer's own (TOML)."""
    from acquire.billing.separated import LARGEST  # noqa: PLC0415
    from acquire.record.billing_tables import add_table  # noqa: PLC0415

    if (valid_from is None) != (valid_until is None):
        raise Misuse("--from and --until belong together: the first and last date of service.")
    first, last = day("--from", valid_from), day("--until", valid_until)
    body = read_plain(file, LARGEST)
    with open_store(config, store) as connection:
        number, made = add_table(connection, name_of(file), body, by, (first, last) if first and last else None)
    if as_json:
        emit(_table(number, made))
    else:
        holds = f"dates of service {made.valid_from} to {made.valid_until}"
        tell(f"Table {number}: {made.name}, {holds}, {len(made.limits) or len(made.pairs)} rows.")


@of_tables.command("list")
def table_list(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """The tables that stand."""
    from acquire.record.billing_tables import tables  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = [_table(number, each) for number, each in tables(connection)]
    if as_json:
        emit(found)
    else:
        columns = ("number", "name", "from", "until", "limit of 77331", "file")
        rows = [
            (f["number"], f["name"], f["valid_from"], f["valid_until"], f["limit_77331"], f["sha256"][:12])
            for f in found
        ]
        table("Tables of limits", columns, rows)


@of_tables.command("withdraw")
def table_withdraw(
    number: Annotated[int, typer.Argument(metavar="NUMBER")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """A table holds no longer: it was the wrong one, or for the wrong days. It stays in the trail."""
    from acquire.record.billing_tables import withdraw_table  # noqa: PLC0415

    with open_store(config, store) as connection:
        withdraw_table(connection, number, by, reason)
    emit({"withdrawn": number}) if as_json else tell(f"Table {number} is withdrawn.")


def _table(number: int, made: Any) -> dict[str, Any]:
    limits = made.limits.get("77331", ())
    return {
        "number": number, "kind": made.kind, "name": made.name, "valid_from": made.valid_from.isoformat(),
        "valid_until": made.valid_until.isoformat(), "sha256": made.sha256, "pairs": len(made.pairs),
        "limit_77331": "; ".join(f"{each.units} a {each.per}" for each in limits) or None,
    }  # fmt: skip
