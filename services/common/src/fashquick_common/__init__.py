"""Service kit shared by all fashquick servers."""
