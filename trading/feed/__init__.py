"""Stage 2 of 6. Raw candles in; checked, stored candles out, with their age and their gaps."""
