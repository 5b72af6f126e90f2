"""Profiles that come with the project, each in a file of its model's name."""
