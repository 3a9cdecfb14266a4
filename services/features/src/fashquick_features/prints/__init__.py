"""Placed prints, logos and labels: where they are, and what they say."""
