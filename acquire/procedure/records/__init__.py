"""What the rooms hand each other: frozen records, written as canonical JSON with a result and read back."""
