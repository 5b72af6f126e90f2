"""Simulated Keithley electrometers: one base, and one small file a model that declares what is its own."""
