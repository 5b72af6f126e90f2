"""Simulated instruments, written from the facts and apart from the drivers."""
