"""The spool: every entry is durable on the acquisition host before anything else happens to it."""
