"""Ways of finding directions, one idea a file."""
