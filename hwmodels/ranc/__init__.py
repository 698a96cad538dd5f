"""RANC: TrueNorth's architecture as a synchronous circuit on an FPGA; a fixed tick."""
