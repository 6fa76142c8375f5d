"""A random Gemma 3 of a few thousand numbers, as a GGUF file that llama.cpp loads."""

import struct
from pathlib import Path

import numpy as np

from polyspec.training.gguf_copy import (
    F32,
    U32,
    Fields,
    TensorData,
    encode_number,
    encode_text,
    encode_texts,
    write_gguf,
)

WIDTH, HEADS, HEAD, FFN = 32, 2, 32, 64
WORDS = tuple(f"▁w{number}".encode() for number in range(40))
SPECIAL = (b"<pad>", b"<eos>", b"<bos>", b"<unk>")
TOKENS = (
    *SPECIAL,
    b"<unused0>",
    *(f"<0x{byte:02X}>".encode() for byte in range(256)),
    *WORDS,
)
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
TYPES = (*[_CONTROL] * 3, _UNKNOWN, _CONTROL, *[_BYTE] * 256, *[_NORMAL] * len(WORDS))


def number(value: float) -> bytes:
    return struct.pack("<If", 6, value)


def numbers(kind: int, layout: str, values: tuple[float, ...]) -> bytes:
    return (
        struct.pack("<IIQ", 9, kind, len(values)) + np.array(values, layout).tobytes()
    )


def fields(num_layers: int) -> Fields:
    """Metadata that llama.cpp asks for."""
    sizes = {
        "context_length": 256,
        "embedding_length": WIDTH,
        "block_count": num_layers,
        "feed_forward_length": FFN,
        "attention.head_count": HEADS,
        "attention.head_count_kv": 1,
        "attention.key_length": HEAD,
        "attention.value_length": HEAD,
        "attention.sliding_window": 32,
    }
    ids = {"bos": 2, "eos": 1, "unknown": 3, "padding": 0}
    return {
        "general.architecture": encode_text("gemma3"),
        "general.name": encode_text("Tiny"),
        **{f"gemma3.{key}": encode_number(U32, size) for key, size in sizes.items()},
        "gemma3.attention.layer_norm_rms_epsilon": number(1e-6),
        "gemma3.rope.freq_base": number(1e6),
        "tokenizer.ggml.model": encode_text("llama"),
        "tokenizer.ggml.pre": encode_text("default"),
        "tokenizer.ggml.tokens": encode_texts(TOKENS),
        "tokenizer.ggml.scores": numbers(
            6, "<f4", tuple(-float(i) for i in range(len(TOKENS)))
        ),
        "tokenizer.ggml.token_type": numbers(5, "<i4", TYPES),
        **{
            f"tokenizer.ggml.{name}_token_id": encode_number(U32, id_)
            for name, id_ in ids.items()
        },
    }


def write_tiny_gemma(
    path: Path, num_layers: int = 6, seed: int = 0, embedding_scale: float = 1.0
) -> Path:
    """Write the model; its matrices are random, its norms 1.

    The smaller the embeddings, the less sure it is, and the sooner it learns.
    """
    rng = np.random.default_rng(seed)

    def matrix(name: str, rows: int, columns: int, scale: float = 0.1) -> TensorData:
        values = (scale * rng.standard_normal((rows, columns))).astype("<f4")
        return TensorData(name, (columns, rows), F32, values.view(np.uint8))

    def norm(name: str, size: int) -> TensorData:
        return TensorData(name, (size,), F32, np.ones((1, size), "<f4").view(np.uint8))

    tensors = [
        matrix("token_embd.weight", len(TOKENS), WIDTH, embedding_scale),
        norm("output_norm.weight", WIDTH),
    ]
    for layer in range(num_layers):
        at = f"blk.{layer}"
        tensors += [
            matrix(f"{at}.attn_q.weight", HEADS * HEAD, WIDTH),
            matrix(f"{at}.attn_k.weight", HEAD, WIDTH),
            matrix(f"{at}.attn_v.weight", HEAD, WIDTH),
            matrix(f"{at}.attn_output.weight", WIDTH, HEADS * HEAD),
            matrix(f"{at}.ffn_gate.weight", FFN, WIDTH),
            matrix(f"{at}.ffn_up.weight", FFN, WIDTH),
            matrix(f"{at}.ffn_down.weight", WIDTH, FFN),
        ]
        tensors += [norm(f"{at}.attn_{which}_norm.weight", HEAD) for which in "qk"]
        tensors += [
            norm(f"{at}.{which}.weight", WIDTH)
            for which in (
                "attn_norm",
                "post_attention_norm",
                "ffn_norm",
                "post_ffw_norm",
            )
        ]
    write_gguf(path, fields(num_layers), tensors)
    return path


def write_next_words(path: Path) -> Path:
    """Write 40 pairs of five words, in which each word means the next one."""
    lines = [
        " ".join(f"w{i % 9 + k}" for k in range(5))
        + "\t"
        + " ".join(f"w{i % 9 + k + 1}" for k in range(5))
        for i in range(40)
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path
