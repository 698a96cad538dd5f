"""Mapping: which neuron lives on which core, and whether the chip can hold the network."""
