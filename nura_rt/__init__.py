"""Nura RT."""
