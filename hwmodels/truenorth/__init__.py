"""TrueNorth: digital cores on a mesh; a fixed tick."""
