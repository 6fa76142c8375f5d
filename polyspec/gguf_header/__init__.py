"""What a GGUF file says about itself, read without trusting a byte of it."""

from polyspec.gguf_header.fingerprint import count_common_tokens, tokenizer_fingerprint
from polyspec.gguf_header.header import GgufHeader, read_gguf_header
from polyspec.gguf_header.tensors import TensorInfo
from polyspec.gguf_header.values import MetadataValue, NumberArray, StringArray

__all__ = [
    "GgufHeader",
    "MetadataValue",
    "NumberArray",
    "StringArray",
    "TensorInfo",
    "count_common_tokens",
    "read_gguf_header",
    "tokenizer_fingerprint",
]
