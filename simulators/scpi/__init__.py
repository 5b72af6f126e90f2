"""What every simulated SCPI instrument shares: messages, parameters, status, command table, trigger model, wire."""
