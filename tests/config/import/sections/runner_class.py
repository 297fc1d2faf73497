class RunnerConfig(BaseModel):
    max_turns: int = 20
    max_concurrent_runners: int = 16
    timeout: int = 300
    max_tokens: int = 512             # NEW — was hardcoded in runner.py:147
    temperature: float = 0.1          # NEW — was hardcoded in runner.py:148
