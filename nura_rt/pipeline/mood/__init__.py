"""Mood of a text as one number in [-1, 1]. It never gates crisis."""
