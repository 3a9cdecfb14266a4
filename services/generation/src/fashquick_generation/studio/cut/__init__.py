"""From photo and landmarks to a sewing pattern, and from the pattern back to the photo."""
