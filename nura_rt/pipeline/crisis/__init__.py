"""Tier 1 of crisis detection: deterministic rules over normalised text. Rules and words are data files."""
