"""Backends compute neuron dynamics; each is one folder here (see `pycosim.backends.base`)."""
