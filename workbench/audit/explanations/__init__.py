"""Why the model decided so, and whether to believe the answer."""
