"""Who it is: local sign-up and sign-in."""
