"""Test support that ships: contracts that every adapter of a port owes, and builders."""
