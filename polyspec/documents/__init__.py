"""Documents as segments to translate and as files to write back."""
