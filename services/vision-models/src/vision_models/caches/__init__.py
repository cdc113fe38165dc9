"""Who keeps captions: this process, Redis, or Redis with this process in its absence."""
