// The order of rows of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/bit_sorter.cpp"
