"""Whole datasets as CSV, JSON lines and Parquet: page by page from the rows, never all in memory."""
