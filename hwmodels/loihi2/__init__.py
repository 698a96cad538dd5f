"""Loihi 2: digital cores on a mesh; steps end with a barrier."""
