"""Opens any model: our checkpoints and other people's formats, by one table."""
