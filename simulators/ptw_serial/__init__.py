"""Simulated PTW dosemeters on serial lines: MULTIDOS, DIAMENTOR and the classic UNIDOS."""
