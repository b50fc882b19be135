"""From a recipe and a corpus to a model with a training card."""
