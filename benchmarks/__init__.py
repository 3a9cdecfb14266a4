"""What makes every number in the documents."""
