"""Small detectors, one a cause, grouped by where the fault lies: facts in, problems out. Pure."""
