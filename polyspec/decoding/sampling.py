"""How the next token is drawn from a row of logits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the user asked for; the defaults choose greedily."""

    temperature: float = 0.0
    """0 always takes the likeliest token; 1 samples the model's own distribution."""
    top_k: int = 0
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the smallest set of likeliest tokens with this much probability."""
    min_p: float = 0.0
    """Drop tokens below this share of the likeliest one's probability."""
    repetition_penalty: float = 1.0
    """Divides positive logits of tokens already written; 1 changes nothing."""
    seed: int = 0
