"""What hardware there is, and what this build of llama.cpp can use of it."""

import ctypes
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from polyspec.engine.bindings import llama

_KIND_CPU, _KIND_ACCELERATOR = 0, 3
"""Values of `ggml_backend_dev_type`; those between are GPUs."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp can compute on."""

    name: str
    kind: Literal["cpu", "gpu"]
    description: str
    memory_total_bytes: int
    memory_free_bytes: int


def list_devices() -> list[Device]:
    """Return the devices this build of llama.cpp sees, GPUs first.

    Raises:
        EngineError: llama.cpp cannot be loaded.
    """
    llama()
    from llama_cpp._ggml import libggml

    _declare(libggml)
    devices = []
    for index in range(libggml.ggml_backend_dev_count()):
        handle = ctypes.c_void_p(libggml.ggml_backend_dev_get(index))
        kind = libggml.ggml_backend_dev_type(handle)
        if kind == _KIND_ACCELERATOR:
            continue
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        libggml.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
        devices.append(
            Device(
                name=libggml.ggml_backend_dev_name(handle).decode(),
                kind="cpu" if kind == _KIND_CPU else "gpu",
                description=libggml.ggml_backend_dev_description(handle).decode(),
                memory_total_bytes=total.value,
                memory_free_bytes=free.value,
            )
        )
    return sorted(devices, key=lambda device: device.kind, reverse=True)


def _declare(libggml: Any) -> None:
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    for name in ("name", "description"):
        function = getattr(libggml, f"ggml_backend_dev_{name}")
        function.argtypes = [ctypes.c_void_p]
        function.restype = ctypes.c_char_p
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_type.restype = ctypes.c_int
    libggml.ggml_backend_dev_memory.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_size_t),
        ctypes.POINTER(ctypes.c_size_t),
    ]
    libggml.ggml_backend_dev_memory.restype = None


def supports_gpu_offload() -> bool:
    """Whether this build of llama.cpp can put layers on a GPU."""
    return bool(llama().llama_supports_gpu_offload())


def missing_gpu_note() -> tuple[str, str] | None:
    """Return problem and remedy when a GPU is there which this build cannot use."""
    present = _present_gpu()
    if present is None or any(device.kind == "gpu" for device in list_devices()):
        return None
    name, backend = present
    return (
        f"{name} is present, but this build of llama.cpp cannot use it",
        f"CMAKE_ARGS=-DGGML_{backend}=on pip install --force-reinstall --no-deps "
        "--no-binary llama-cpp-python llama-cpp-python",
    )


def _present_gpu() -> tuple[str, str] | None:
    """Return a GPU that the system shows, and the llama.cpp back end for it."""
    if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
        return "an NVIDIA GPU", "CUDA"
    if Path("/dev/kfd").exists():
        return "an AMD GPU", "HIP"
    if sys.platform == "darwin" and os.uname().machine == "arm64":
        return "an Apple GPU", "METAL"
    return None


def build_info() -> str:
    """Version and processor features of the llama.cpp in use, in one line."""
    library = llama()
    import llama_cpp

    info = library.llama_print_system_info().decode("utf-8", "replace")
    return f"llama-cpp-python {llama_cpp.__version__}; {' '.join(info.split())}"
