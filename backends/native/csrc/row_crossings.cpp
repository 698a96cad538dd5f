// The candidates in boxes of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/crossings.cpp"
