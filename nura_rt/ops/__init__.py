"""Is it well: liveness, readiness, and what was counted."""
