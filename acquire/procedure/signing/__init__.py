"""What people write of a session and sign: words, signatures, versions, and who was given which (ADR 0031)."""
