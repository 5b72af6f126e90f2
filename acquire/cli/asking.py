"""What the instruments of a plan say of themselves, over the bus of a running service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acquire import event_loop
from acquire.bus.client import BusError
from acquire.cli.place import open_instrument_client
from acquire.errors import Refused
from acquire.terminal.output import say
from acquire.terminal.progress import waiting


def states_or_why(config: Path | None, by: str, instruments: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """(state by instrument, None where nothing is known of it), or else why they could not be asked."""
    if config is None:
        return {}, "no service was named (--config CONFIG, or ACQUIRE_CONFIG)."
    try:
        with waiting("Asking the instruments"):
            return event_loop.run(_ask(config, by, instruments)), None
    except (BusError, Refused) as reason:
        return {}, f"{str(reason).rstrip('.')}."


def states_there(config: Path | None, by: str, instruments: Sequence[str]) -> dict[str, Any]:
    """The states that are known; where none can be had now that is said, and the begin of a step asks again."""
    states, why = states_or_why(config, by, instruments)
    if why is not None and config is not None:
        say(f"The instruments could not be asked what they are, that is done when a step begins: {why}")
    return {name: state for name, state in states.items() if state is not None}


async def _ask(config: Path, by: str, instruments: Sequence[str]) -> dict[str, Any]:
    async with open_instrument_client(config, by) as client:
        states = await asyncio.gather(*(client.state(each) for each in instruments))
    return dict(zip(instruments, states, strict=True))
