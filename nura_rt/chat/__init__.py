"""The door where people type: one socket, the session's rules, and the history over REST."""
