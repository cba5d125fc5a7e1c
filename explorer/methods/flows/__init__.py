"""Potential flows: learned landscapes whose slopes move codes."""
