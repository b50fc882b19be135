"""A report tells the verdict and the evidence. It never computes."""
