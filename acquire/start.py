"""What `acquire` begins with."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Entry point of `acquire`.

    Until the command's own file is imported, a Ctrl-C ends the process at once: inside an import it would show a
    traceback, or be swallowed by a library, and the program go on.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # it would look through all packages for some
    from acquire.cli.main import main as run  # noqa: PLC0415 - after that

    run()
