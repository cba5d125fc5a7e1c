"""What a network that cleans noisy pictures says of pictures and words: one idea a file."""
