"""Text in, text out: languages, sentences, prompts and checks of a translation."""
