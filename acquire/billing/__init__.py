"""What code 77331 asks for, as pure code: facts in, findings and a proposal out. Nothing is ever submitted from here.

`facts` is what the rules look at, `rules` lists them, `proposal` counts the units and gathers what a coder needs. The
rules follow public guidance of payers and societies on special radiation dosimetry; each names its source. Limits come
from dated tables that people add, never from this code. CPT texts are the AMA's: codes stand here with our own words.
"""

from acquire.billing.claim import Claim, Judged, judge
from acquire.billing.proposal import proposal

__all__ = ["Claim", "Judged", "judge", "proposal"]
