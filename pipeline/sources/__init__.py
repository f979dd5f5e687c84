"""Where the competition files come from."""
