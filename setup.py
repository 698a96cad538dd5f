"""Find the packages of the three source roots and the compiled modules beside them.

A folder ``X/csrc`` with a file ``bind_NAME.cpp`` becomes the compiled module ``X._NAME``.
"""

import re
from pathlib import Path

import nanobind
from setuptools import Extension, find_packages, setup

ROOTS = {"pycosim": "pycosim", "pycosim.backends": "backends", "pycosim.hwmodels": "hwmodels"}
NANOBIND = Path(nanobind.include_dir()).parent
FLAGS = [
    "-std=c++20",
    "-O3",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-ffp-contract=off",  # same rounding on every machine, with or without fused multiply-add
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
    "-pthread",
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
                [*map(str, sources), str(NANOBIND / "src" / "nb_combined.cpp")],
                depends=sorted(map(str, set().union(*map(headers, sources)))),
                include_dirs=[str(NANOBIND / "include"), str(NANOBIND / "ext" / "robin_map" / "include")],
                extra_compile_args=FLAGS,
                extra_link_args=["-pthread"],
                language="c++",
            )


setup(packages=packages(), ext_modules=list(extensions()))
