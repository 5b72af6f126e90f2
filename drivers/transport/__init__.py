"""Ways bytes reach an instrument: serial line, VISA resource, TCP socket, memory."""
