"""The PyNN front end: it records what a script asks for as a network description and holds no dynamics."""
