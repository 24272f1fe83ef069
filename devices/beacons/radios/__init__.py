"""Adapters: hearing, sending, and being brought back when they go deaf."""
