"""vLLM's own server, `vllm serve`, from an installation of its own: it needs another torch than ours."""
