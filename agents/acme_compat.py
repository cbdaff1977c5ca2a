"""The name under which other projects import the adapter to dm-acme 0.4.0."""

from .acme.compat import Acme040Builder

__all__ = ["Acme040Builder"]
