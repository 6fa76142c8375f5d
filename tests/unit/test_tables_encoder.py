"""Bulk tokenizing gives what llama.cpp gives."""

from pathlib import Path

import pytest

from polyspec.engine.model import Model
from polyspec.gguf_header import read_gguf_header
from polyspec.tables.encoder import make_encoder

LINES = [
    "The library opens at nine, doesn't it? In 1999 it'd cost 3.14 €.",
    "Straße, Übermut und der  doppelte   Zwischenraum ",
    "Èdè Yorùbá jẹ́ èdè kan tí àwọn ọmọ Yorùbá ń sọ.",
    "አማርኛ በኢትዮጵያ የሚነገር ቋንቋ ነው።",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎤᏙᏢᏒ",
    "ⵜⴰⵎⴰⵣⵉⵖⵜ ⵏ ⵍⵎⵖⵔⵉⴱ",
    "नेपाली भाषा र हिन्दी १२३",
    "中文字符和标点，还有 English 混排。",
    "日本語の文章、カタカナとひらがな。",
    "한국어 문장입니다.",
    "اللغة العربية جميلة ١٢٣",
    "tabs\tand\n\nlines \r\n🙂🏽 ‘quotes’ <b>tags</b> a_b-c/d#e",
    "   leading",
    "\u200bzero\u00a0width e\u0301",
]


@pytest.mark.model
@pytest.mark.parametrize(
    "name", ["gemma-3-270m", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct"]
)
def test_ids_equal_those_of_llama_cpp(name: str, models_dir: Path) -> None:
    path = models_dir / f"{name}.gguf"
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    with Model(path, gpu_layers=0) as model:
        wanted = [model.tokenizer.encode(line) for line in LINES]
    assert make_encoder(read_gguf_header(path)).encode(LINES) == wanted
