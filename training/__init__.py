"""Training: annotated text, and the models made from it."""
