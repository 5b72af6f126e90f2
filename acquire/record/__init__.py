"""The record of a session: one JSON document that says everything, and one page that people read and sign."""
