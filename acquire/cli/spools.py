"""spool status, resend, give-up, pair, restore, salvage: for a person, the last three with the service stopped."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from acquire.account import work_as_owner_of
from acquire.checking import sentence
from acquire.cli.amiss import consulted
from acquire.cli.place import ConfigOption
from acquire.config_part import spool_place
from acquire.spool import aside, rescue
from acquire.spool.disk_budget import DEFAULT_LIMIT, MIB
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.resend import resend as resend_originals
from acquire.spool.status import status as status_of
from acquire.terminal.output import Json, emit, table, tell, told
from acquire.terminal.progress import waiting
from drivers import Misuse

GIVE_UP = "When nothing more is to be had of it: `acquire spool give-up FILE --reason WHY`."
MEND = "`acquire spool resend` sends them again once the broker's limit allows their size."

app = typer.Typer(no_args_is_help=True, help="The spool of an acquisition host.")
SpoolOption = Annotated[Path | None, typer.Option("--spool", help="The spool's file, instead of --config.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="spool")


def _place(config: Path | None, spool: Path | None) -> tuple[Path, int]:
    """The spool's file and its budget in bytes; from then on this process works as the file's owner."""
    path, limit = _named_spool(config, spool)
    work_as_owner_of(path)
    return path, limit


def _named_spool(config: Path | None, spool: Path | None) -> tuple[Path, int]:
    if spool is not None:
        return spool, DEFAULT_LIMIT
    if config is None:
        raise Misuse("Say which spool: --config CONFIG (or ACQUIRE_CONFIG), or --spool PATH.")
    place = spool_place(config)
    consulted(config)
    if place is None:
        raise Misuse(f"{config} has no [spool]; name the configuration of an acquisition host, or --spool.")
    return place.path, place.kept.limit


@app.command()
def status(config: ConfigOption = None, spool: SpoolOption = None, as_json: Json = False) -> None:
    """What the spool holds, what waits to be confirmed, and its alarms."""
    path, limit = _place(config, spool)
    found = status_of(path, limit=limit)
    if as_json:
        emit(found)
        return
    tell(
        f"{path}: {'in use' if found['running'] else 'not in use'}; source {found['source']}, paired with"
        f" {found['store'] or 'no store yet'}; {found['used_bytes'] / MIB:.1f} of {limit / MIB:.0f} MiB."
    )
    tell(f"{found['entries']} entries in {found['streams']} streams, {found['unconfirmed']} not confirmed.")
    tell(sentence(found["checked"]))
    table("Waiting to be confirmed", ("instrument", "stream", "through", "head", "ended", "why"),
          [(s["instrument"], s["stream"], s["through"], s["head"], s["ended"], s["why"])
           for s in found["waiting"]])  # fmt: skip
    if found["withheld"]:
        _show_originals(found["withheld"])
        if any(each["state"] == "withheld" for each in found["withheld"]):
            tell(MEND)
    if found["aside"]:
        columns = ("file", "instrument", "stream", "through", "head", "state")
        table("Put aside", columns, [tuple(each[key] for key in columns) for each in found["aside"]])
    if found["alarms"]:
        table("Alarms", ("what", "message", "times"), [(a["what"], a["message"], a["count"]) for a in found["alarms"]])


def _show_originals(held: list[dict[str, Any]]) -> None:
    columns = ("instrument", "stream", "seq", "bytes", "reason", "state")
    table("Withheld originals", columns, [tuple(each[key] for key in columns) for each in held])


@app.command()
def resend(config: ConfigOption = None, spool: SpoolOption = None, as_json: Json = False) -> None:
    """Send withheld originals again, after the broker's limit was raised or the broker changed. Each arrives in the
    store under its own number; what does not get through stays withheld."""
    path, limit = _place(config, spool)
    _must_exist(path)
    done = resend_originals(path, limit=limit)
    count = len(done["originals"])
    when = "within seconds" if done["running"] else "when the service runs next"
    if count and not as_json:
        _show_originals(done["originals"])
    sentence = (
        f"{count} original(s) are sent again {when}; the broker must take messages of {done['largest_message']} bytes."
        if count
        else f"Nothing is withheld in {path}."
    )
    told(sentence, as_json=as_json, **done)


@app.command()
def pair(store: str, config: ConfigOption = None, spool: SpoolOption = None, as_json: Json = False) -> None:
    """Believe another store from now on. STORE is its id; everything still held is asked for and sent anew."""
    path, limit = _place(config, spool)
    try:
        wanted = str(UUID(store))
    except ValueError as error:
        raise Misuse(f"'{store}' is no store id; `acquire store stats` shows it.") from error
    _must_exist(path)
    with closing(Journal(path, limit=limit)) as journal:
        before = journal.store
        journal.pair(wanted)
    told(f"{path} is paired with {wanted}.", as_json=as_json, path=str(path), store=wanted, before=before)


@app.command()
def restore(file: Path, config: ConfigOption = None, spool: SpoolOption = None, as_json: Json = False) -> None:
    """Put an older copy of a spool in its place. Streams open in the copy end: nobody knows what followed."""
    path, _ = _place(config, spool)
    with waiting(f"Restoring {path}"):
        done = rescue.restore(path, file)
    said = f"{path} is restored; {done['restored_streams']} stream(s) were open in the copy and are ended."
    if done["kept"] is not None:
        said += (
            f" What lay there is kept as {done['kept']}: sessions wait for it until it is given up. `acquire spool"
            " salvage` takes the streams that the copy has nothing of."
        )
    told(said, as_json=as_json, **done)


@app.command()
def salvage(
    file: Path,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take it into the spool, to be sent to the store.")] = False,
    config: ConfigOption = None,
    spool: SpoolOption = None,
    as_json: Json = False,
) -> None:
    """Say what can still be read of a damaged spool (FILE, as it was kept aside), and take it with --adopt."""
    work_as_owner_of(file)
    with waiting(f"Reading {file}"):
        found = rescue.salvage(file)
    whole = rescue.knows_its_streams(file)
    adopted = 0
    if adopt:
        path, limit = _place(config, spool)
        with closing(Journal(path, limit=limit)) as journal, waiting(f"Taking it into {path}"):
            adopted = rescue.adopt(journal, found)
            with journal.writing() as db:
                aside.salvaged(db, file.name, whole=whole)
    streams: list[dict[str, Any]] = [
        {
            "stream": s.stream, "instrument": s.instrument, "ended": s.ended, "readable": len(s.bodies),
            "damaged": s.damaged, "withheld": len(s.withheld),
        }
        for s in found
    ]  # fmt: skip
    if as_json:
        emit({"file": str(file), "streams": streams, "adopted": adopted, "knows_its_streams": whole})
        return
    table("Readable", ("instrument", "stream", "readable", "damaged"),
          [(s["instrument"], s["stream"], s["readable"], len(s["damaged"])) for s in streams])  # fmt: skip
    tell(f"{adopted} stream(s) taken into the spool." if adopt else "Nothing was changed; --adopt takes it.")
    if not whole:
        tell(f"{file.name} may have held more streams than these: its list of them is damaged. {GIVE_UP}")


@app.command("give-up")
def give_up(
    file: Path,
    reason: Annotated[str, typer.Option("--reason", help="Why it is given up, and who says so.")],
    config: ConfigOption = None,
    spool: SpoolOption = None,
    as_json: Json = False,
) -> None:
    """Leave what a file put aside (FILE) holds and was not salvaged: its instruments' sessions wait for it no longer.
    Nothing is deleted, and what the store has heard of and never got stays missing there."""
    path, _ = _place(config, spool)
    _must_exist(path)
    if not reason.strip():
        raise Misuse("Say with --reason why it is given up, and who says so.")
    given = aside.give_up(path, file.name, reason.strip())
    told(f"{given} stream(s) of {file.name} given up.", as_json=as_json, path=str(path), file=file.name, streams=given)


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise SpoolError(f"there is no spool at {path}; `acquire run` makes one.")
