// A Python module of neuron models that are compiled outside the engine (own_model.hpp).
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "own_model.hpp"

// The module's function `models` returns a capsule of each model for `register_model` of the engine.
#define PYCOSIM_OWN_MODULE(module_name, ...)                                                       \
    NB_MODULE(module_name, module) {                                                               \
        module.doc() = "Neuron models for the native engine.";                                     \
        module.def("models", [] {                                                                  \
            std::vector<nanobind::capsule> all;                                                    \
            for (const pycosim::native::Model* model : {__VA_ARGS__}) {                            \
                all.push_back(nanobind::capsule(model, pycosim::native::kModelCapsule));           \
            }                                                                                      \
            return all;                                                                            \
        });                                                                                        \
    }
