"""The PyNN front end: it records what a script asks for as a network description and holds no dynamics."""

from pycosim.parallel import hide_broken_mpi

hide_broken_mpi()  # before PyNN looks for MPI
