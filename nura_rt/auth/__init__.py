"""Who somebody is: tokens, passwords, and the secret a development machine makes for itself."""
