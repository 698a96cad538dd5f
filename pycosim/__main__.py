"""``python -m pycosim`` is the command ``pycosim``."""

from pycosim.cli.main import main

main()
