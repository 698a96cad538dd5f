// The trees of places of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/place_tree.cpp"
