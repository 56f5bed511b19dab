"""Stored facts in, causes out: what is wrong, in the order in which it matters, with numbers, a setting and a step."""
