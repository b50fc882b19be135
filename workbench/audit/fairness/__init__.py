"""How the model treats groups of people."""
