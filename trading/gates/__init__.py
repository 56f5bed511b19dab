"""Stage 4 of 6. Signals in, decisions out: accepted, or rejected with every reason."""
