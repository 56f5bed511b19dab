from tests.champions import champions, trained

__all__ = ["champions", "trained"]
