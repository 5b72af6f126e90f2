"""One way to a dose in each file, from what documents and readings gave to dose, budget and steps. Pure: nothing asks
the store.

A method is the file that declares `METHOD`: what it asks of plan, inventory and calibrations, how its points are
measured, its formula, and how it prints. The other files are what several of them have in common.
"""

from acquire.procedure.methods.registry import discover

discover(__path__, __name__)
