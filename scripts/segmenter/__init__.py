"""Training of the embedded segmenter's network; see its model card for the commands."""
