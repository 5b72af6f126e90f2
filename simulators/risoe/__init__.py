"""Simulated Risø/DTU readers."""
