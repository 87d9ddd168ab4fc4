"""The pages of the app, each with one function that draws it."""
