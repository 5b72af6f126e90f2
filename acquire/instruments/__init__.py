"""Keeping instruments running: one runner each, which reads, appends, marks, obeys commands and tells its state."""
