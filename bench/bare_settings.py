"""Django's settings for the bare endpoint: nothing but the address of its URLs."""

__all__ = ["ALLOWED_HOSTS", "ROOT_URLCONF", "SECRET_KEY"]

ROOT_URLCONF, ALLOWED_HOSTS, SECRET_KEY = "bench.bare", ["127.0.0.1"], "bench"
