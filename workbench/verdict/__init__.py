"""A policy judges the evidence. Pure."""
