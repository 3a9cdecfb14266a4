"""Which colours a garment has, and the light they were seen in."""
