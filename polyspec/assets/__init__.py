"""What outlives a run: translation memory, glossaries and the history."""
