"""Says where a loaded model runs."""

from polyspec.engine.devices import list_devices
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget


def describe_device(model: Model, target: LlamaTarget) -> str:
    """Name a model and the devices of its layers, in one line."""
    gpus = [device for device in list_devices() if device.kind == "gpu"]
    threads = f"{target.num_threads} processor threads"
    if not gpus or model.gpu_layers == 0:
        return f"{model.path.stem} ({model.description}) on {threads}"
    number = model.num_layers if model.gpu_layers < 0 else model.gpu_layers
    names = ", ".join(device.description for device in gpus)
    return (
        f"{model.path.stem} ({model.description}): {number} of "
        f"{model.num_layers} layers on {names}, the rest on {threads}"
    )
