// The functions of the distance of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/distance_program.cpp"
