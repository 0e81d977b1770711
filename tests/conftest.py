"""Settings that every test shares."""

from hypothesis import settings

# The first call of a kernel compiles it, which no deadline for one example allows for.
settings.register_profile("refinery", deadline=None)
settings.load_profile("refinery")
