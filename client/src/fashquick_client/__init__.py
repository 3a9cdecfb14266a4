"""Client library of fashquick."""
