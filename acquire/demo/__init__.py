"""The demonstration: worked case A from order to record, on simulators, over a real broker into a real store."""

from acquire.demo.files import write_files
from acquire.demo.show import run

__all__ = ["run", "write_files"]
