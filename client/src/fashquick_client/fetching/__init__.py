"""Fetching the weights of profiles into the model store."""
