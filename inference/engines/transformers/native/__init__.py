"""The Llama family on the CPU: one call into compiled C a step, over packed weights and a paged key-value cache."""
