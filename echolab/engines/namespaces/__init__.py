"""The engine `namespaces`: hosts as network namespaces of the kernel that this runs on.

The same network is made inside the guest kernel, for the engine `exact`.
"""
