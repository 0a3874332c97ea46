"""Screening of every utterance: crisis on raw text, then PII, then mood. Pure; no I/O after construction."""
