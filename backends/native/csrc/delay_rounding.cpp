// The rounding of delays of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/numbers.cpp"
