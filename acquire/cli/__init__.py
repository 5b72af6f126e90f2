"""The command line. Data to stdout, talk to stderr; exit 0 done, 1 refused, 2 usage or configuration."""

from acquire.cli.main import main

__all__ = ["main"]
