"""Image roots: the files of an image as a host's root, from an archive or a folder.

An archive may come from anybody. `archive` and `layers` read it and trust nothing; `store` unpacks
it once into the cache, by its digest.
"""
