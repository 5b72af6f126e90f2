"""`python tests/e2e/campaign [SECONDS [SEED [apart|together ...]]]`: the campaign, for as long as you like."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "e2e")]

from campaign.plan import HOUSES  # noqa: E402
from campaign.run import campaign  # noqa: E402


def main(words: list[str]) -> int:
    """Runs it; the exit code says whether anything was wrong."""
    seconds = float(words[0]) if words else 120.0
    seed = int(words[1]) if len(words) > 1 and words[1] != "random" else random.randrange(10**6)
    failed = False
    for kind in words[2:] or list(HOUSES):
        print(f"seed {seed}, {kind}, {seconds:.0f} s of faults", flush=True)
        with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
            table = asyncio.run(campaign(Path(folder), kind, seed, seconds))
        print(json.dumps(table, indent=1), flush=True)
        failed |= bool(table["wrong"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
