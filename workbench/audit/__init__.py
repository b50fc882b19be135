"""Probes audit a model; evidence is what they leave."""
