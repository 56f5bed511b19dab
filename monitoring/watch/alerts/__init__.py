"""Alerts: what people have to be told, by which channel, when; told at least once, each with a key of its own."""
