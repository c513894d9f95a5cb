"""The engine `exact`: the whole lab in virtual time, inside a kernel that is one process."""
