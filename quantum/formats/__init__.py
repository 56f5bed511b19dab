"""How Django writes a bare number or date in a template, by language; words for people come from `watch/words.py`."""
