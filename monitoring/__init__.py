"""Reads, heals, shows: evidence in, judgement out, and a page that tells the truth."""
