"""Simulated PTW UNIDOS Tango and Romeo dosemeters on their network port."""
