"""The ordered procedure: order, plan, session, placement, results, audit.

Everything here works on the store's database through one connection; instruments are asked through a client
(acquire.procedure.session.steps.AnyInstrumentClient).
"""
