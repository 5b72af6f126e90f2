"""From facts to findings, pure: a file for each group of things that are looked at."""
