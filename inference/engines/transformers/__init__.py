"""The default engine: model code, tokenizers and chat templates of Hugging Face, a decode loop of our own."""
