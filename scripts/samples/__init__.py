"""Drawing sample garment photos with known truth."""
