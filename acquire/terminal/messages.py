"""Messages of the bus in words, for people who watch it. What a later version adds is printed as keys and values.

Whoever may publish may send anything, so nothing that comes may break or steer a terminal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from acquire.bus.messages import State
from acquire.bus.names import ROOT
from acquire.printable import printable


def body_of(payload: bytes) -> Any:
    """The JSON of a message; {"unreadable": its beginning} for what is none, or could not be written as JSON again."""
    try:
        body = json.loads(payload, parse_constant=_no_number, parse_float=_finite)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {"unreadable": payload[:200].decode("latin-1")}
    return body


def lapsed(topic: str, state: State, since: str) -> str:
    """A state that nobody has repeated, so that it holds no longer."""
    return printable(f"{topic.removeprefix(f'{ROOT}/')}  nothing known since {since}; it was {state.state} then")


def clocks_apart(topic: str, ahead_s: float) -> str:
    """A host's clock is not ours: what is held against both may be wrong by as much."""
    how = "ahead of" if ahead_s > 0 else "behind"
    where = topic.removeprefix(f"{ROOT}/")
    return printable(f"The clock of {where} is {abs(ahead_s):.0f} s {how} this machine's; set them.")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    """1e999 is JSON, and would be written again as Infinity, which is none."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value


def readable(topic: str, body: Any, now: datetime) -> list[str]:
    """A message in one line, readings in a line each; what is not as it must be is shown as it is.

    Before each is when that was, by this machine's clock and time zone (now: an aware moment); where a message does not
    tell, when it came.
    """
    short = topic.removeprefix(f"{ROOT}/")
    try:
        lines = [f"{clock(_moment(said), now)}  {line}" for said, line in _lines(short, body)]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        lines = [f"{clock(None, now)}  {short}  {json.dumps(body, ensure_ascii=False)[:200]}"]
    return [printable(line) for line in lines]


def clock(at: str | None, now: datetime) -> str:
    """The time of day of a moment here, 14:30:11; of another day with that, 11-28 14:30."""
    moment = now
    if at is not None:
        with suppress(ValueError, OverflowError):
            told = datetime.fromisoformat(at)
            moment = told.astimezone(now.tzinfo) if told.tzinfo is not None else now
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%m-%d %H:%M}"


def _moment(said: Any) -> str | None:
    """When that was which a message or an entry tells, as it says."""
    found = (said.get(key) for key in ("time", "to", "at", "sent", "since")) if isinstance(said, dict) else ()
    return next((each for each in found if isinstance(each, str)), None)


def _lines(short: str, body: Any) -> list[tuple[Any, str]]:
    """Each line, with what it tells of."""
    if not isinstance(body, dict):
        return [(body, f"{short}  {body}")]
    if body.get("schema") == "readings/1" and body["readings"]:
        return [(each, _entry(short, body["first_seq"] + n, each)) for n, each in enumerate(body["readings"])]
    said = _SAID.get(body.get("schema", ""), _pairs)(body)
    return [(body, f"{short}  {said}".rstrip())]


def _question(body: dict[str, Any]) -> str:
    ended = f", ended: {body['ended']}" if body["ended"] else ""
    return f"asks; head {body['head']}{ended}{': ' + body['why'] if ended and body.get('why') else ''}"


def _state(body: dict[str, Any]) -> str:
    return f"{body['state']}{': ' + body['why'] if body.get('why') else ''}"


def _answer(body: dict[str, Any]) -> str:
    return f"done {_pairs(body.get('result', {}))}" if body["ok"] else f"refused: {body.get('error')}"


def _event(body: dict[str, Any]) -> str:
    return f"{body['event']} {_detail(body['event'], body['detail'])}"


def _anchor(body: dict[str, Any]) -> str:
    (n, audit), (m, seal) = body["audit"], body["seal"]
    return f"audit entry {n} {audit[:12]}..., seal {m} {seal[:12]}..."  # whole in --json and `acquire store anchor`


def _detail(event: str, detail: dict[str, Any]) -> str:
    if event == "state":
        simulated = " (simulated)" if detail["simulated"] else ""
        return f"{detail['state']}, {detail['order']} fraction {detail['fraction']}{simulated}"
    if event == "step":
        return f"{detail['mark']} {detail['step']}"
    if event == "attached":
        return f"{len(detail['readings'])} readings to {detail['step']}"
    if event == "result":
        dose = f" {detail['dose_gy']:.5g} Gy" if detail.get("dose_gy") is not None else ""
        u = f" ± {detail['u_gy']:.2g} Gy (k=1)" if detail.get("u_gy") is not None else ""
        return f"{detail['point']} v{detail['version']}: {detail['decision']}{dose}{u}"
    return _pairs(detail)


def _pairs(detail: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in detail.items())[:200]


_SAID: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "readings/1": _question,
    "committed/1": lambda body: f"committed through {body['through']}",
    "batch/1": lambda body: f"readings of {len(body['parts'])} stream(s)",
    "batch-committed/1": lambda body: f"committed of {len(body['through'])} stream(s)",
    "state/1": _state,
    "event/1": _event,
    "command/1": lambda body: f"asked by {body['by']} {_pairs(body.get('parameters', {}))}",
    "answer/1": _answer,
    "anchor/1": _anchor,
}


def _entry(short: str, seq: int, each: dict[str, Any]) -> str:
    kind = each.get("kind")
    if kind == "marker":
        return f"{short} #{seq}  {each['mark']} {each['step']} (measurement {each['measurement']})"
    if kind in ("gap", "withheld"):
        return f"{short} #{seq}  {kind}: {each['reason']}"
    value = f"{each['value']:.6g} {each['unit']}" if each.get("value") is not None else "no value"
    flags = f" [{', '.join(each['flags'])}]" if each.get("flags") else ""
    element = f" element {each['element']}" if each.get("element") else ""
    return f"{short} #{seq}  {each.get('quantity')} {value}{flags}{element}"
