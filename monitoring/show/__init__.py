"""Judgement in, screen out: panels, push, views, API."""
