"""The ordered procedure: order, plan, session, placement, results, audit.

Everything here works on the store's database through one connection; instruments are asked through a client
(acquire.procedure.session.steps.AnyInstrumentClient). Documents name dose methods without knowing them; importing the
procedure is what brings the methods in.
"""

from acquire.procedure import methods

__all__ = ["methods"]
