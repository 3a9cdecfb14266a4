"""Where cloth begins on the body, and what must hold of it in the end, for every family of garments."""
