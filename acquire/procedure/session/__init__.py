"""The session's life: planned, timed out, measured step by step, stated by people, closed."""
