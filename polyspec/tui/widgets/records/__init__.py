"""Translations that were kept."""
