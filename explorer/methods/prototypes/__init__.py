"""What can be asked of any prototype classifier: evidence, reasons in words, edits, quality, walks. One idea a file."""
