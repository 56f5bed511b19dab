"""Norwegian: a bare number in a template is a script's, a style's or a drawing's, so it has a point."""
