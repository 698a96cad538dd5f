// The vectorised generator of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/philox.cpp"
