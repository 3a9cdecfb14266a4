"""What prompts are made of: the words (`prompts.json`), and what is known of garments, figure and scene in them."""
