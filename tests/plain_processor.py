"""The environment of a process that computes as on a processor without AVX2, FMA and AVX-512 (x86-64, Linux).

Numba compiles for such a one, NumPy, Arrow and OpenBLAS take their plain loops, glibc its plain exp and log. Polars
and onnxruntime cannot be told.
"""

import os
import platform

import pytest

needs_x86_64 = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"} or platform.system() != "Linux",
    reason="only x86-64 on Linux can be told to be a lesser processor",
)
_LACKING = ("AVX", "AVX2", "AVX2_Usable", "FMA", "FMA_Usable", "FMA4", "AVX512F")


def environment() -> dict[str, str]:
    """This process's environment, and what makes a child of it a plain x86-64."""
    from numpy._core._multiarray_umath import __cpu_dispatch__

    return os.environ | {
        "NUMBA_CPU_NAME": "x86-64",
        "NUMBA_CPU_FEATURES": "",
        "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{feature}" for feature in _LACKING),
        "OPENBLAS_CORETYPE": "Nehalem",
        "ARROW_USER_SIMD_LEVEL": "NONE",
    }
