"""Edits that are said in words: one idea a file."""
