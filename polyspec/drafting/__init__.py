"""Drafters: everything that proposes tokens."""
