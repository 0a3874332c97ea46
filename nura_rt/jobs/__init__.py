"""Durable follow-up work: claimed with a lease, run, finished; a dead instance's work is taken over."""
