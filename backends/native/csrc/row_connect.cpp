// The choice among candidates of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/connect.cpp"
