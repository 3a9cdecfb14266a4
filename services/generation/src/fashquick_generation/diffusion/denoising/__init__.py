"""Rows of pictures through the networks: several at a time, each with its own everything."""
