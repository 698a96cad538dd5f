"""Loihi: digital cores on a mesh; steps end with a barrier."""
