"""Settings, and what each means."""
