"""plan list, check, add, confirm, still-holds: what there is, what would stop it, a second person, a changed order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from acquire.cli import plan_files
from acquire.cli.place import By, ConfigOption, OrderId, StoreOption, file_bytes, open_store, plannable_store
from acquire.errors import Refused
from acquire.plain_files import name_of
from acquire.terminal.output import Json, day_and_minute, emit, say, table, tell, told

plans = typer.Typer(no_args_is_help=True, help="The physicist's plans.")
plan_files.register(plans)

PlanState = Literal["newest", "replaced", "cancelled"]
PlanFile = Annotated[Path, typer.Argument(metavar="FILE")]
Calibrations = Annotated[Path, typer.Option("--calibrations", help="Calibration file (TOML).")]
Inventory = Annotated[Path, typer.Option("--inventory", help="Inventory file (TOML).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(plans, name="plan")


@plans.command("list")
def plan_list(
    state: Annotated[
        PlanState | None, typer.Option("--state", case_sensitive=False, help="Only those in this state.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """All plans, the newest first, with order, day and state; each version by itself."""
    from acquire.procedure.session import lists  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = lists.plans(connection, state)
    if as_json:
        emit(found)
        return
    rows = [
        (f["order"], f["version"], day_and_minute(f["added_at"]), f["added_by"], f["sessions"], f["state"])
        for f in found
    ]
    table("Plans", ("order", "version", "added (UTC)", "by", "sessions", "state"), rows)


@plans.command("check")
def plan_check(
    file: PlanFile, calibrations: Calibrations, inventory: Inventory, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Hold a plan (TOML) against inventory and calibrations, and say everything that would stop it; changes nothing."""
    from acquire.procedure.documents.calibrations import read_calibrations  # noqa: PLC0415
    from acquire.procedure.documents.inventory import read_inventory  # noqa: PLC0415
    from acquire.procedure.documents.plan import read_plan  # noqa: PLC0415
    from acquire.procedure.session.advice import advice  # noqa: PLC0415
    from acquire.procedure.session.planning import check_plan  # noqa: PLC0415

    owned = read_inventory(file_bytes(inventory), name_of(inventory))
    factors = read_calibrations(file_bytes(calibrations), name_of(calibrations))
    plan = read_plan(file_bytes(file), name_of(file))
    with plannable_store(config, store) as connection:
        wrong = check_plan(connection, plan, owned, factors)
    advised = advice(plan, owned)
    if as_json:
        emit({"order": plan.order, "version": plan.version, "stops": wrong, "advice": advised})
    else:
        for sentence in advised:
            say(sentence)
        for sentence in wrong:
            tell(sentence)
    if wrong:
        raise Refused(f"Plan v{plan.version} of {plan.order} cannot be measured as it stands: {len(wrong)} reason(s).")
    if not as_json:
        tell(f"Plan v{plan.version} of {plan.order} can be measured.")


@plans.command("add")
def plan_add(
    file: PlanFile, calibrations: Calibrations, inventory: Inventory, by: By, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Read a plan (TOML), check it against inventory and calibrations, and keep it as a new version."""
    from acquire.procedure.documents.beams import unchecked  # noqa: PLC0415
    from acquire.procedure.documents.calibrations import read_calibrations  # noqa: PLC0415
    from acquire.procedure.documents.inventory import read_inventory  # noqa: PLC0415
    from acquire.procedure.session.advice import advice  # noqa: PLC0415
    from acquire.procedure.session.beams_given import not_compared  # noqa: PLC0415
    from acquire.procedure.session.planning import add_plan  # noqa: PLC0415

    owned = read_inventory(file_bytes(inventory), name_of(inventory))
    factors = read_calibrations(file_bytes(calibrations), name_of(calibrations))
    with plannable_store(config, store) as connection:
        plan = add_plan(connection, file_bytes(file), name_of(file), by, owned, factors)
        not_checked = [*unchecked(plan), *not_compared(connection, plan.order)]
    if as_json:
        points = [p.id for p in plan.point]
        emit({"order": plan.order, "version": plan.version, "points": points, "not_checked": not_checked})
    else:
        for sentence in (*advice(plan, owned), *not_checked):
            say(sentence)
        tell(f"Plan v{plan.version} of {plan.order}: {len(plan.point)} points, {len(plan.step)} steps.")


@plans.command("confirm")
def plan_confirm(
    order: OrderId,
    version: int,
    point: str,
    by: By,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """A second person stands by the expected dose of a point; each new version of a plan asks for it again."""
    from acquire.procedure.session.planning import confirm_expected  # noqa: PLC0415

    with open_store(config, store) as connection:
        confirm_expected(connection, order, version, point, by)
    told(
        f"{order} plan v{version}: the expected dose of {point} is confirmed by {by}.",
        as_json=as_json,
        order=order,
        version=version,
        point=point,
        confirmed_by=by,
    )


@plans.command("still-holds")
def plan_still_holds(
    order: OrderId, version: int, by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why the plan needs no change; kept in the audit trail.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """State that a plan holds for its order as it was changed; a session that stopped may go on."""
    from acquire.procedure.session.order_holds import still_holds  # noqa: PLC0415

    with open_store(config, store) as connection:
        now = still_holds(connection, order, version, by, reason)
    told(
        f"Plan v{version} of {order} holds for v{now} of the order.",
        as_json=as_json,
        order=order,
        version=version,
        order_version=now,
    )
