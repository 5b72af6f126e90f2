"""Simulated Fluke X-ray test devices."""
