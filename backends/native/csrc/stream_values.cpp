// The values of streams of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/values.cpp"
