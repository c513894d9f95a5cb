"""Histories: what clients asked of a system and learned, and whether that can be right."""
