"""The clinic's stock of chips and dots: batches, elements, what happened to them, and the coefficients issued for them.

Everything is an appended row; what changes is a further one. A session takes from here what was in force when it was
planned and begun, as a part of the inventory and calibration files it keeps (docs/elements.md).
"""
