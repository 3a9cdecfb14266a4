"""What is on the cloth: its kind, and the directions in which it repeats."""
