"""Drills as they are carried out: asked for, broken, watched, mended, stored. Practice mode only."""
