"""Benchmarks: scripts run by hand. Each sets this project beside a peer or a ceiling in one run and reports ratios."""
