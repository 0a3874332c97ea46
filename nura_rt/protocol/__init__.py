"""The wire: every frame, error and close code that crosses the socket. Pure; imports nothing of ours."""
