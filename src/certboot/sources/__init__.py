"""Where certificates come from: one module per source, each with ``load() -> Loaded``."""
