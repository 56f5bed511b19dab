"""Stage 5 of 6. Accepted decisions in, orders at the venue out: one intent, one sender."""
