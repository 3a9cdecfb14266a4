"""What a trained network sees in a garment: kind, pattern, texture, sleeves, neckline, front."""
