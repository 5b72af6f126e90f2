"""Recording a wire while somebody else talks over it: both directions, with times, in a file that can be replayed."""

from acquire.capture.passing import PassThrough
from acquire.capture.recording import Recording

__all__ = ["PassThrough", "Recording"]
