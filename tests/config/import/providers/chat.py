config = {
    "providers": [{
        "module": "provider-vllm",
        "source": "git+https://example.org/module-provider-vllm@main",
        "config": {
            "base_url": "http://localhost:8000",
            "default_model": "openai/gpt-oss-20b",
            "use_completions": False  # Use chat endpoint
        }
    }]
}
