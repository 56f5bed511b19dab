from tests.venues import place, venue

__all__ = ["place", "venue"]
