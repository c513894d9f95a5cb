"""Compose files, read as the Compose Specification has them, into one model.

`read.read` reads files into a `project.Project`, `hosts.topology` turns that into the lab's hosts,
and `support.findings` lists what an engine does not honour.

PyYAML parses the files. The rest is written by hand, because no Python library does it. The
reference implementation is in Go, and at most half of the machines that run a lab have the Compose
command, in two generations that read the same file differently. Written by hand are:

- `document`: scalars of YAML 1.2, `!reset`, `!override`, the line of each key;
- `interpolation`, `env_file`, `units`, `ports`: the small languages within a file's texts;
- `schema`: the specification's JSON schema, checked without the half second that it takes to
  import a validator;
- `canonical`, `merge`, `read`: long forms, the rules of overriding, `include`, `extends`;
- `model`, `project`, `check`: the values, and whether they fit together.

Only `read` reads files; `schema` loads the schema that ships beside it.
"""
