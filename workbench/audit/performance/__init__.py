"""How well the model decides, how well its probabilities are calibrated, what it costs."""
