"""Stage 1 of 6. The venue's wire in, values and errors out: the only place that speaks to an exchange."""
