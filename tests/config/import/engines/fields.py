endpoint: str | None   # e.g. "https://api.openai.com/v1"
api_key: str | None    # read from env if omitted
backend: Literal["openai", "vllm_api", "ollama_api"]
lazy: bool = True
port: int | None = None
extra_serve_flags: list[str] = field(default_factory=list)
extra_env: Dict[str, str] = field(default_factory=dict)
