// The boxes behind rows of distance rules of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/box_finder.cpp"
