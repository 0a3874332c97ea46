"""Personal data: found by rules and put behind typed placeholders."""
