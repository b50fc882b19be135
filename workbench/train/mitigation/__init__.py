"""Decisions changed after training to bring groups closer: thresholds by group, what they gain and what they cost."""
