"""What `scripts/check_images` is made of."""
