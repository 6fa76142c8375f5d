"""The pure core: many sequences side by side, drafted, verified and streamed."""
