"""Gemma 3 in plain torch, numerically close to llama.cpp's, for training.

Names are those of the tensors in a GGUF file. Shapes: `B` sequences, `T` tokens,
`W` width of the model, `H` heads, `D` width of a head, `V` vocabulary.

Sources: Gemma 3 Technical Report, 2025; `src/models/gemma3.cpp` of llama.cpp.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.training.weights import read_weights

ARCHITECTURE = "gemma3"
PROJECTIONS = (
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
)
"""The seven matrices of a block."""
NORMS = (
    "attn_norm",
    "attn_q_norm",
    "attn_k_norm",
    "post_attention_norm",
    "ffn_norm",
    "post_ffw_norm",
)
_LOCAL_ROPE_BASE = 10_000.0


@dataclass(frozen=True, slots=True)
class GemmaShape:
    """The sizes of a model."""

    num_layers: int
    width: int
    ffn_width: int
    num_heads: int
    num_kv_heads: int
    head_width: int
    vocab_size: int
    window: int = 512
    """Tokens that a local block sees, the current one among them."""
    rope_base: float = 1_000_000.0
    """Of global blocks."""
    rope_scale: float = 1.0
    """Positions of global blocks are divided by it."""
    norm_epsilon: float = 1e-6
    blocks_per_global: int = 6
    """The last block of so many sees everything; llama.cpp's default."""


def read_shape(header: GgufHeader) -> GemmaShape:
    """The sizes that a GGUF file states.

    Raises:
        ModelError: It is no Gemma 3 model, or lacks a size.
    """
    if header.architecture != ARCHITECTURE:
        raise ModelError(
            f"{header.path} cannot be trained",
            cause=f"its architecture is {header.architecture}, not {ARCHITECTURE}",
            remedy="pass a Gemma 3 model",
        )

    def number(key: str, default: float | None = None) -> float:
        value = header.metadata.get(f"{ARCHITECTURE}.{key}", default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ModelError(
                f"{header.path} cannot be trained",
                cause=f"it does not state {ARCHITECTURE}.{key}",
                remedy="convert the model again",
            )
        return value

    embeddings = next(t for t in header.tensors if t.name == "token_embd.weight")
    return GemmaShape(
        num_layers=int(number("block_count")),
        width=int(number("embedding_length")),
        ffn_width=int(number("feed_forward_length")),
        num_heads=int(number("attention.head_count")),
        num_kv_heads=int(number("attention.head_count_kv")),
        head_width=int(number("attention.key_length")),
        vocab_size=embeddings.shape[1],
        window=int(number("attention.sliding_window")),
        rope_base=float(number("rope.freq_base", 1_000_000.0)),
        rope_scale=float(number("rope.scaling.factor", 1.0)),
        norm_epsilon=float(number("attention.layer_norm_rms_epsilon")),
        blocks_per_global=int(number("attention.sliding_window_pattern", 6)),
    )


Rope: TypeAlias = tuple[Tensor, Tensor]
"""Cosine and sine of the angles by which a head is turned, `(T, 1, D)`."""


class RmsNorm(nn.Module):
    """Root mean square normalization; the weight holds Gemma's `1 +` already."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.rms_norm(
            hidden, self.weight.shape, self.weight.to(hidden.dtype), self.epsilon
        )


class Past:
    """What the blocks keep of the tokens so far, for those that follow.

    Rows are sequences; memory for all tokens to come is taken at once.
    """

    def __init__(self, num_layers: int, capacity: int) -> None:
        """Keep up to `capacity` tokens a row."""
        self.length = 0
        """Tokens so far; the same of each row."""
        self.capacity = capacity
        self._positions: Tensor | None = None
        self._keys: list[Tensor | None] = [None] * num_layers
        self._values: list[Tensor | None] = [None] * num_layers

    def see(self, positions: Tensor) -> Tensor:
        """Add the positions `(B, T)` of new tokens; return those of all."""
        self._positions = self._write(self._positions, positions)
        self.length += positions.shape[1]
        return self._positions[:, : self.length]

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values `(B, T, H, D)` of the tokens last seen; return all."""
        self.length -= keys.shape[1]
        self._keys[layer] = all_keys = self._write(self._keys[layer], keys)
        self._values[layer] = all_values = self._write(self._values[layer], values)
        self.length += keys.shape[1]
        return all_keys[:, : self.length], all_values[:, : self.length]

    def choose(self, rows: Tensor) -> None:
        """Go on with these rows, of which one may be named several times."""
        assert self._positions is not None
        self._positions = self._positions[rows]
        for kept in (self._keys, self._values):
            for layer, tensor in enumerate(kept):
                assert tensor is not None
                kept[layer] = tensor[rows]

    def _write(self, kept: Tensor | None, new: Tensor) -> Tensor:
        if kept is None:
            kept = new.new_zeros(new.shape[0], self.capacity, *new.shape[2:])
        kept[:, self.length : self.length + new.shape[1]] = new
        return kept


class Block(nn.Module):
    """Attention and feed-forward, each between two norms."""

    def __init__(self, shape: GemmaShape, index: int) -> None:
        super().__init__()
        self.shape = shape
        self.index = index
        self.is_global = (index + 1) % shape.blocks_per_global == 0
        width, head = shape.width, shape.head_width
        queries, keys = shape.num_heads * head, shape.num_kv_heads * head
        self.attn_q = nn.Linear(width, queries, bias=False)
        self.attn_k = nn.Linear(width, keys, bias=False)
        self.attn_v = nn.Linear(width, keys, bias=False)
        self.attn_output = nn.Linear(queries, width, bias=False)
        self.ffn_gate = nn.Linear(width, shape.ffn_width, bias=False)
        self.ffn_up = nn.Linear(width, shape.ffn_width, bias=False)
        self.ffn_down = nn.Linear(shape.ffn_width, width, bias=False)
        self.attn_norm = RmsNorm(width, shape.norm_epsilon)
        self.attn_q_norm = RmsNorm(head, shape.norm_epsilon)
        self.attn_k_norm = RmsNorm(head, shape.norm_epsilon)
        self.post_attention_norm = RmsNorm(width, shape.norm_epsilon)
        self.ffn_norm = RmsNorm(width, shape.norm_epsilon)
        self.post_ffw_norm = RmsNorm(width, shape.norm_epsilon)

    def forward(
        self, hidden: Tensor, rope: Rope, mask: Tensor | None, past: Past | None = None
    ) -> Tensor:
        """Map `(B, T, W)` to `(B, T, W)`."""
        attended = self._attend(self.attn_norm(hidden), rope, mask, past)
        hidden = hidden + self.post_attention_norm(attended)
        normed = self.ffn_norm(hidden)
        gate = functional.gelu(self.ffn_gate(normed), approximate="tanh")
        fed = self.ffn_down(gate * self.ffn_up(normed))
        fed = self.post_ffw_norm(fed)
        return hidden + fed

    def _attend(
        self, normed: Tensor, rope: Rope, mask: Tensor | None, past: Past | None
    ) -> Tensor:
        batch, length, _ = normed.shape
        heads = (batch, length, -1, self.shape.head_width)
        queries = _turn(self.attn_q_norm(self.attn_q(normed).view(heads)), rope)
        keys = _turn(self.attn_k_norm(self.attn_k(normed).view(heads)), rope)
        values = self.attn_v(normed).view(heads)
        if past is not None:
            keys, values = past.extend(self.index, keys, values)
        attended = functional.scaled_dot_product_attention(
            queries.transpose(1, 2),
            keys.transpose(1, 2),
            values.transpose(1, 2),
            attn_mask=mask,
            is_causal=mask is None,
            enable_gqa=self.shape.num_heads != self.shape.num_kv_heads,
        )
        merged: Tensor = self.attn_output(
            attended.transpose(1, 2).reshape(batch, length, -1)
        )
        return merged


def make_rope(positions: Tensor, head_width: int, base: float, scale: float) -> Rope:
    """Angles of positions `(T,)` or `(B, T)`, over the two halves of a head."""
    half = torch.arange(0, head_width, 2, device=positions.device)
    frequencies = 1.0 / (base ** (half.float() / head_width))
    angles = (positions.float() / scale).unsqueeze(-1) * frequencies
    angles = torch.cat((angles, angles), dim=-1).unsqueeze(-2)
    return angles.cos(), angles.sin()


def _turn(heads: Tensor, rope: Rope) -> Tensor:
    """Turn `(B, T, H, D)` by the position of each token."""
    first, second = heads.chunk(2, dim=-1)
    cos, sin = rope
    turned = heads * cos + torch.cat((-second, first), dim=-1) * sin
    return turned.to(heads.dtype)


class Gemma(nn.Module):
    """The decoder: token ids in, hidden states or logits out."""

    def __init__(self, shape: GemmaShape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocab_size, shape.width)
        self.blk = nn.ModuleList(Block(shape, i) for i in range(shape.num_layers))
        self.output_norm = RmsNorm(shape.width, shape.norm_epsilon)

    def forward(
        self,
        ids: Tensor,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        past: Past | None = None,
    ) -> Tensor:
        """Normalized hidden states `(B, T, W)` of token ids `(B, T)`.

        Args:
            ids: Sequences, filled up at their ends to one length.
            positions: `(T,)` or `(B, T)`; counted from 0 by default.
            mask: True where a token may look, `(T, T)` or `(B, 1, T, T)`; by default
                each sees itself and all before it. Local blocks see no further than
                the window either way.
            past: What stands before, which these tokens join. Then `positions` are
                `(B, T)` and `mask` is `(B, 1, T, all tokens)`, and both are needed.
        """
        length = ids.shape[1]
        if positions is None:
            positions = torch.arange(length, device=ids.device)
        seen = positions if past is None else past.see(positions)
        masks = mask, self._limit_to_window(positions, seen, mask)
        head = self.shape.head_width
        ropes = (
            make_rope(positions, head, self.shape.rope_base, self.shape.rope_scale),
            make_rope(positions, head, _LOCAL_ROPE_BASE, 1.0),
        )
        hidden = self.token_embd(ids) * self.shape.width**0.5
        for block in self.blk:
            kind = 0 if block.is_global else 1
            # Compiled code would be made anew for each block and length of the past.
            compute = block if past is None else block.forward
            hidden = compute(hidden, ropes[kind], masks[kind], past)
        normed: Tensor = self.output_norm(hidden)
        return normed

    def logits(self, ids: Tensor) -> Tensor:
        """Scores of the next token, `(B, T, V)`; the output layer is the embedding."""
        return functional.linear(self(ids), self.token_embd.weight)

    def _limit_to_window(
        self, positions: Tensor, seen: Tensor, mask: Tensor | None
    ) -> Tensor | None:
        if int(positions.max()) < self.shape.window:
            return mask
        distance = positions.unsqueeze(-1) - seen.unsqueeze(-2)
        is_near = distance < self.shape.window
        if positions.dim() > 1:
            is_near = is_near.unsqueeze(1)
        return is_near & (distance >= 0 if mask is None else mask)


def load_gemma(
    path: Path,
    *,
    dtype: torch.dtype = torch.float32,
    layers: tuple[int, ...] | None = None,
    token_ids: tuple[int, ...] | None = None,
) -> Gemma:
    """A model with the weights of a GGUF file, dequantized.

    Args:
        path: A Gemma 3 model.
        dtype: Of the matrices; norms stay float32.
        layers: Blocks to keep, in this order; all by default. Whether a block is
            local or global follows from its new place.
        token_ids: Tokens to keep, in this order; all by default.

    Raises:
        ModelError: The file cannot be read, or is no Gemma 3 model.
    """
    header = read_gguf_header(path)
    shape = read_shape(header)
    layers = tuple(range(shape.num_layers)) if layers is None else layers
    shape = replace(shape, num_layers=len(layers))
    if token_ids is not None:
        shape = replace(shape, vocab_size=len(token_ids))
    with torch.device("meta"):
        model = Gemma(shape)

    def weights(name: str) -> Tensor:
        array = torch.from_numpy(read_weights(header, name))
        return array.to(dtype) if array.dim() > 1 else array

    embeddings = weights("token_embd.weight")
    if token_ids is not None:
        embeddings = embeddings[torch.tensor(token_ids)]
    state = {
        "token_embd.weight": embeddings,
        "output_norm.weight": weights("output_norm.weight"),
    }
    for place, layer in enumerate(layers):
        for name in PROJECTIONS + NORMS:
            state[f"blk.{place}.{name}.weight"] = weights(f"blk.{layer}.{name}.weight")
    model.load_state_dict(state, assign=True)
    return model
