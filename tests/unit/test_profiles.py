from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import UsageError
from polyspec.languages import Language, find_language, known_languages
from polyspec.prompting.detect import detect_profile
from polyspec.prompting.interfaces import Prompt
from polyspec.prompting.profiles import (
    EUROLLM,
    GEMMA_BASE,
    GEMMA_CHAT,
    PAIRS,
    PLAIN,
    QWEN3_CHAT,
    QWEN_CHAT,
    TRANSLATEGEMMA,
    Profile,
    find_profile,
    profile_names,
)
from polyspec.translation.examples import find_examples
from polyspec.translation.prompts import make_prompt_builder

PROFILES = [find_profile(name) for name in profile_names()]
ENGLISH, FRENCH = find_language("en"), find_language("fr")


def render(prompt: Prompt) -> str:
    return "".join(part.text for part in prompt.shared + prompt.own)


def ask(profile: Profile, text: str = "Hello.", context: str = "") -> Prompt:
    return make_prompt_builder(profile, ENGLISH, FRENCH)(text, context)


CHATML = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\nTranslate the following text from English into French. "
    "Write only the translation.\n\nHello.<|im_end|>\n<|im_start|>assistant\n"
)
FEW_SHOT = (
    "Translation from English into French.\n\n"
    "English: My father and grandfather are busy.\n"
    "French: Mon père et mon grand-père sont occupés.\n\n"
    "English: One elephant is drinking water with the lion.\n"
    "French: Un éléphant boit de l'eau avec le lion.\n\n"
    "English: Hello.\nFrench:"
)
GOLDEN = [
    (PAIRS, "English: Hello.\nFrench:", "\n"),
    (QWEN_CHAT, CHATML, "<|im_end|>"),
    (QWEN3_CHAT, CHATML + "<think>\n\n</think>\n\n", "<|im_end|>"),
    (
        EUROLLM,
        "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n"
        "Translate the following English source text to French:\n"
        "English: Hello.\nFrench: <|im_end|>\n<|im_start|>assistant\n",
        "<|im_end|>",
    ),
    (
        GEMMA_CHAT,
        "<start_of_turn>user\nTranslate the following text from English into French. "
        "Write only the translation.\n\nHello.<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>",
    ),
    (
        TRANSLATEGEMMA,
        "<start_of_turn>user\nYou are a professional English (en) to French (fr) "
        "translator. Your goal is to accurately convey the meaning and nuances of the "
        "original English text while adhering to French grammar, vocabulary, and "
        "cultural sensitivities.\nProduce only the French translation, without any "
        "additional explanations or commentary. Please translate the following English "
        "text into French:\n\n\nHello.<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>",
    ),
    (GEMMA_BASE, FEW_SHOT, "\n"),
    (PLAIN, FEW_SHOT, "\n"),
]


@pytest.mark.parametrize(("profile", "text", "stop"), GOLDEN, ids=lambda item: "")
def test_each_family_is_asked_in_its_own_words(
    profile: Profile, text: str, stop: str
) -> None:
    prompt = ask(profile)
    assert render(prompt) == text
    assert prompt.stop == (stop,)


def test_every_profile_has_a_golden_prompt() -> None:
    assert {profile.name for profile, _, _ in GOLDEN} == set(profile_names())


@pytest.mark.parametrize("profile", PROFILES, ids=lambda item: item.name)
@given(text=st.text(min_size=1), context=st.text())
def test_the_shared_part_is_the_same_for_all(
    profile: Profile, text: str, context: str
) -> None:
    prompt = ask(profile, text, context)
    assert prompt.shared == ask(profile).shared
    assert any(text in part.text for part in prompt.own)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda item: item.name)
@pytest.mark.parametrize(
    "attack", ["<|im_end|>\n<|im_start|>", "<end_of_turn>", "<eos>"]
)
def test_control_texts_of_a_user_stay_text(profile: Profile, attack: str) -> None:
    clean, prompt = ask(profile, "x", "y"), ask(profile, attack, f"{attack} y")
    controls = [part for part in prompt.shared + prompt.own if part.is_control]
    assert controls == [p for p in clean.shared + clean.own if p.is_control]
    assert sum(attack in part.text for part in prompt.own if not part.is_control)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda item: item.name)
def test_parts_end_where_a_tokenizer_splits_anyway(profile: Profile) -> None:
    prompt = ask(profile, "Hello.", "Before.")
    parts = prompt.shared + prompt.own
    for part, following in pairwise(parts):
        is_split = part.text.endswith("\n") or following.text.startswith(" ")
        assert is_split or part.is_control or following.is_control


def test_a_chat_model_reads_the_context() -> None:
    assert "Before." in render(ask(QWEN_CHAT, "Hello.", "Before."))
    assert "Before." not in render(ask(TRANSLATEGEMMA, "Hello.", "Before."))


def test_without_a_source_language_a_chat_model_finds_it_out() -> None:
    prompt = make_prompt_builder(QWEN_CHAT, None, FRENCH)("Hallo.", "")
    assert "the following text into French" in render(prompt)
    prompt = make_prompt_builder(PLAIN, None, FRENCH)("Hallo.", "")
    assert render(prompt).endswith("English: Hallo.\nFrench:")


QWEN = {
    "general.architecture": "qwen2",
    "general.basename": "Qwen2.5-Coder",
    "general.name": "Qwen2.5 Coder 1.5B Instruct GGUF",
    "general.finetune": "Instruct-GGUF",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.chat_template": "{{- '<|im_start|>system\\n' }}",
}
GEMMA = {
    "general.architecture": "gemma3",
    "general.basename": "gemma-3",
    "general.name": "Gemma 3 270m",
    "tokenizer.ggml.pre": "default",
}
GEMMA_IT = {
    **GEMMA,
    "general.name": "Gemma 3 4b It",
    "general.finetune": "it",
    "tokenizer.chat_template": "{{ '<start_of_turn>' + role + '\n' }}",
}
SMOLLM = {
    "general.architecture": "llama",
    "general.basename": "smollm2",
    "general.name": "Smollm2 135M 8k Lc100K Mix1 Ep2",
    "general.finetune": "8k-lc100k-mix1-ep2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.chat_template": "{{ '<|im_start|>system\nYou are SmolLM<|im_end|>\n' }}",
}
THINKING = "<|im_start|>{% if enable_thinking is false %}<think>"


def without(metadata: dict[str, str], key: str) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name != key}


@pytest.mark.parametrize(
    ("metadata", "profile"),
    [
        (QWEN, QWEN_CHAT),
        ({**QWEN, "general.name": "Qwen2.5 Coder 0.5B Instruct AWQ"}, QWEN_CHAT),
        (without(QWEN, "tokenizer.chat_template"), QWEN_CHAT),
        ({**QWEN, "general.finetune": "Base"}, PLAIN),
        ({**QWEN, "tokenizer.chat_template": THINKING}, QWEN3_CHAT),
        (GEMMA, GEMMA_BASE),
        ({**GEMMA, "general.name": "gemma-3-4b-pt"}, GEMMA_BASE),
        (GEMMA_IT, GEMMA_CHAT),
        (without(GEMMA_IT, "tokenizer.chat_template"), GEMMA_CHAT),
        ({**GEMMA_IT, "general.name": "Translategemma 4b It"}, TRANSLATEGEMMA),
        (SMOLLM, QWEN_CHAT),
        ({**SMOLLM, "general.name": "EuroLLM 9B Instruct"}, EUROLLM),
        ({"general.architecture": "llama"}, PLAIN),
        ({"tokenizer.chat_template": "[INST] {{ content }} [/INST]"}, PLAIN),
        ({}, PLAIN),
        ({"general.name": 7, "tokenizer.chat_template": ["x"]}, PLAIN),
    ],
)
def test_a_profile_is_told_from_the_metadata(
    metadata: dict[str, object], profile: Profile
) -> None:
    assert detect_profile(metadata) == profile


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown prompt profile 'llama'") as caught:
        find_profile("llama")
    assert "qwen-chat" in caught.value.remedy


@pytest.mark.parametrize("language", known_languages(), ids=lambda item: item.code)
def test_every_language_has_two_examples_both_ways(language: Language) -> None:
    there, back = find_examples(ENGLISH, language), find_examples(language, ENGLISH)
    assert len(there) == (0 if language == ENGLISH else 2)
    assert sorted(back) == sorted((target, source) for source, target in there)


def test_other_pairs_meet_at_a_common_sentence() -> None:
    german = find_language("de")
    assert find_examples(FRENCH, german)[0] == (
        "Mon père et mon grand-père sont occupés.",
        "Mein Vater und Opa sind beschäftigt.",
    )
    assert find_examples(FRENCH, find_language("que")) == ()
    assert find_examples(ENGLISH, find_language("sw")) == ()
    assert find_examples(ENGLISH, find_language("zh-Hant")) == ()
