"""Chip models decide where each neuron lives and when each spike arrives; each chip is one folder here."""
