"""Simulated Panasonic TLD readers."""
