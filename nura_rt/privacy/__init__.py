"""Door: what is personal, and what becomes of it."""
