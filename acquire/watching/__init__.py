"""What others watch the service with: metrics for Prometheus and answers about its health (docs/watching.md).

Everything is collected when it is asked for, from what the parts of the service know of themselves; nothing is done for
it while readings flow, but that one entry of each stream at a time is timed on its way to the store.
"""

from acquire.watching.server import Watching

__all__ = ["Watching"]
