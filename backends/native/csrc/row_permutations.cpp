// The permutations behind rows of the front end's module, once more: compiled modules cannot share code.
#include "../../../pycosim/csrc/permutations.cpp"
