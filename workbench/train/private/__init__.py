"""Training with differential privacy: units, clipped sums, noise, and the statement of what they guarantee."""
