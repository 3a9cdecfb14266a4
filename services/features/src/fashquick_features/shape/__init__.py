"""Where a garment's outline runs and what it says: landmarks, kind, measurements."""
