"""Gemma in torch beside llama.cpp, on the weights and text of a real model."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gguf")

from polyspec.decoding.interfaces import Chunk  # noqa: E402
from polyspec.engine.model import Model  # noqa: E402
from polyspec.engine.target import ContextOptions, LlamaTarget  # noqa: E402
from polyspec.training.torch_gemma import load_gemma  # noqa: E402

pytestmark = pytest.mark.model

TEXT = (
    "English: A cyclist has died in a collision involving a car in London.\n"
    "French: À Londres, un cycliste est décédé dans une collision avec une voiture.\n"
    "Die Bibliothek öffnet um neun und schließt um sechs. 图书馆九点开门，六点关门。\n"
) * 10
"""Longer than the window of the local blocks."""


def test_torch_gives_the_probabilities_of_llama_cpp(models_dir: Path) -> None:
    path = models_dir / "gemma-3-270m.gguf"
    if not path.exists():
        pytest.skip("gemma-3-270m is not installed: polyspec models pull gemma-3-270m")
    with Model(path, gpu_layers=0) as model:
        ids = [model.tokenizer.bos_id, *model.tokenizer.encode(TEXT)]
        options = ContextOptions(1, 1024, max_batch=1024, max_outputs=1024)
        target = LlamaTarget(model, options)
        theirs = target.evaluate([Chunk(0, 0, ids, len(ids))]).copy()
        target.close()
    with torch.inference_mode():
        ours = load_gemma(path).logits(torch.tensor([ids]))[0].numpy()
    assert len(ids) > 520
    theirs -= np.logaddexp.reduce(theirs, axis=1, keepdims=True)
    ours -= np.logaddexp.reduce(ours, axis=1, keepdims=True)
    # llama.cpp rounds activations to 8 bits for its quantized products.
    divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=1)
    assert divergence.mean() < 0.01
    assert np.mean(ours.argmax(1) == theirs.argmax(1)) > 0.97
