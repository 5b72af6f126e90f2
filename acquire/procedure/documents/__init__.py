"""What people write: orders, plans, inventories, calibrations; read, checked, and kept under their SHA-256."""
