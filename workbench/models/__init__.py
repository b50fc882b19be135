"""What an audit may know of a model, and the models that we can load."""
