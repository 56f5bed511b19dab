"""Stage 6 of 6. Fills in; protected positions and closed trades out."""
