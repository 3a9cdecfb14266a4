"""The cloth's colours: outside, inside and back, from the photo."""
