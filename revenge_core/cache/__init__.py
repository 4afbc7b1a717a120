"""Remembering what is expensive to ask for. Nothing here is ever the authority."""
