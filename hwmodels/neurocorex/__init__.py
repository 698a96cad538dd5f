"""NeuroCoreX: one core on an FPGA, steps of 0.96 ms."""
