"""Simulated readers that write files into a folder: one module each."""
