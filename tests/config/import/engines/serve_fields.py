  extra_serve_flags: list[str] = field(default_factory=list)
  extra_env: Dict[str, str] = field(default_factory=dict)
