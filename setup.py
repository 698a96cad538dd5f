"""Find the packages of the three source roots and the compiled modules beside them.

A folder ``X/csrc`` with a file ``bind_NAME.cpp`` becomes the compiled module ``X._NAME``.
"""

import os
import re
import sysconfig
from pathlib import Path

import nanobind
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOTS = {"pycosim": "pycosim", "pycosim.backends": "backends", "pycosim.hwmodels": "hwmodels"}
NANOBIND = Path(nanobind.include_dir()).parent
INCLUDES = [str(NANOBIND / "include"), str(NANOBIND / "ext" / "robin_map" / "include")]
GIVEN = os.environ.get("CFLAGS", "").split()
FLAGS = [
    "-std=c++20",
    *([] if any(flag.startswith("-O") for flag in GIVEN) else ["-O3"]),
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-fno-math-errno",  # square roots in vectors
    "-ffp-contract=off",  # same rounding on every machine, with or without fused multiply-add
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
    "-pthread",
    # Python's own flags ask for debug information: a third of the time.
    *([] if any(flag.startswith("-g") for flag in GIVEN) else ["-g0"]),
]


def packages():
    found = []
    for name, folder in ROOTS.items():
        found += [name, *(f"{name}.{sub}" for sub in find_packages(folder, exclude=["csrc"]))]
    return found


def headers(source):
    """Return the headers of ours that a source includes, and those that they include."""
    names = re.findall(r'#include "(.+?)"', source.read_text())
    own = {path for name in names if (path := (source.parent / name).resolve()).exists()}
    return own.union(*map(headers, own))


def extensions():
    for root, folder in ROOTS.items():
        for bind in sorted(Path(folder).glob("**/csrc/bind_*.cpp")):
            parts = bind.parent.parent.relative_to(folder).parts
            sources = sorted(bind.parent.glob("*.cpp"))
            yield Extension(
                ".".join((root, *parts, "_" + bind.stem.removeprefix("bind_"))),
                list(map(str, sources)),
                depends=sorted(map(str, set().union(*map(headers, sources)))),
                include_dirs=INCLUDES,
                extra_compile_args=FLAGS,
                extra_link_args=["-pthread"],
                language="c++",
            )


class BuildModules(build_ext):
    """Compile nanobind once, for all modules, and these side by side."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or True

    def run(self):
        self.run_command("build_clib")
        super().run()


setup(
    packages=packages(),
    libraries=[
        (
            "nanobind",
            {
                "sources": [str(NANOBIND / "src" / "nb_combined.cpp")],
                "include_dirs": [*INCLUDES, sysconfig.get_path("include")],
                "cflags": FLAGS,
            },
        )
    ],
    ext_modules=list(extensions()),
    cmdclass={"build_ext": BuildModules},
)
