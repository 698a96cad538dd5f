// The distances of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/distances.cpp"
