"""Drills: what is broken on purpose, what must be found, done and proven about it, and the judge of it. Pure."""
