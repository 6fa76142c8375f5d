"""The wall around llama.cpp: nothing else imports llama_cpp."""
