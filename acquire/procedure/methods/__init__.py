"""One way to a dose each, from the inputs of a point to its dose, budget and steps. Pure: nothing asks the store."""
