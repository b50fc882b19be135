"""How the model stands when its inputs are changed."""
