"""Decides and acts: six stages from the venue's wire to a closed trade."""
