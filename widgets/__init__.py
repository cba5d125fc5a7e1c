"""Notebook widgets, and the views (JavaScript) that every host shows."""
