config = {
    "session": {
        "orchestrator": "loop-basic",
        "context": "context-simple"
    },
    "providers": [{
        "module": "provider-vllm",
        "source": "git+https://example.org/module-provider-vllm@main",
        "config": {
            "base_url": "http://localhost:8000",
            "default_model": "openai/gpt-oss-20b",
            "use_completions": True  # Use completions endpoint
        }
    }]
}
