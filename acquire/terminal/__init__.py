"""How the program speaks to a person at a terminal, and to a program that reads its output."""
