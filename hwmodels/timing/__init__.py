"""Timing: when each spike arrives, and how long cores and links are at work."""
