"""Simulated Thorlabs power meters."""
