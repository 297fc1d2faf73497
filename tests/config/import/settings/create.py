llm = create_llm("vllm", model="Qwen/Qwen2.5-Coder-32B-Instruct")
