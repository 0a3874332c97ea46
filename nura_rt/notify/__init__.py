"""How people are reached outside a socket: letters, and who carries them."""
