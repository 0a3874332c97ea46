"""The one path every turn walks: intake, writer, replay, and the reply that follows."""
