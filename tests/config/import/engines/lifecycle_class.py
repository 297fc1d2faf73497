  @dataclass
  class EngineConfig:
      # ... existing fields ...
      lazy: bool = True      # ✔ added earlier
      port: int | None = None  # ✔ default port selection
