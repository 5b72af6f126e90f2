"""The facts, as they are now: nothing is opened that somebody else holds, and nothing is written but a trial file."""
