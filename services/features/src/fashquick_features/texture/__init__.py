"""What the cloth is like: its structure as numbers, its measures and its class."""
