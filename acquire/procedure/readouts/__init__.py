"""Elements out and back: where each lay, in which run it was read, and with which standards and controls."""
