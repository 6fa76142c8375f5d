"""What a model is asked: prompts, and the formats that model families expect."""
