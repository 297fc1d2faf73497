  process: Optional[Any] = field(default=None, repr=False, compare=False)
