"""Stage 3 of 6. Checked candles in, signals out: four models, one calibrated belief per symbol."""
