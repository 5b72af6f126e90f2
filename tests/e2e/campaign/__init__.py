"""Kills, freezes, restores, wipes, clock steps and disk errors under instruments that number their readings.

`counter` is the instrument and the truth about it, `house` the real processes of a site, `plan` the sequence of faults
that a seed gives, `faults` carries them out, `desk` begins and ends measurements over the bus, `counting` counts when
all is quiet. `python tests/e2e/campaign --help` runs it; docs/noloss.md section 10 has what was seen.
"""
