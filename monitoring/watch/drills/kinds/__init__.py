"""The drills, one file for each part of the house that is broken."""
