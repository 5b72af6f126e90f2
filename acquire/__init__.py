"""The daemon: from the instrument's reading to the signed record."""
