"""The session store: one database that holds every reading, the procedure it belongs to, and the audit trail."""
