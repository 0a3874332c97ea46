"""Optional detectors of personal data that need a model: never on the way to an answer."""
