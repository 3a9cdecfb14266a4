"""How the features service's recogniser is trained."""
