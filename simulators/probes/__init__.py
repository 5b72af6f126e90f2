"""Simulated probes whose protocols are invented (docs/invented-protocols.md): no real instrument speaks them."""
