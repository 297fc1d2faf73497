class VLLMConfig(BaseModel):
    guided_json: bool = True           # Enable JSON schema-constrained decoding
    top_p: float = 0.9
    top_k: int = 50
    repetition_penalty: float = 1.0
    stop: list[str] = Field(default_factory=list)
    logprobs: int | None = None        # Number of top logprobs to return per token
    prompt_logprobs: int | None = None
    skip_special_tokens: bool = True
    max_logprobs: int = 20
