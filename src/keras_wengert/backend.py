"""The names that Keras looks for in a backend."""

from wengert.settings import settings as _settings

_settings.arrays = "copied"  # Keras and its users take arrays of whatever tensor they have, and never write through them
