#include "bindings.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace nanobind::literals;

NB_MODULE(_core, m) {
    nanobind::set_leak_warnings(false);  // objects of a script live until Python ends
    m.doc() = "Random numbers, random connectivity, and what is made of them.";
    pycosim::bindings::add_values(m);
    pycosim::bindings::add_connections(m);
    pycosim::bindings::add_generator(m);

    m.def(
        "return_freed_memory",
        [] {
#ifdef __GLIBC__
            malloc_trim(0);
#endif
        },
        "Give the system back what was freed but is kept for later.");
}
