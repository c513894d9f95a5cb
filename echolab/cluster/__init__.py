"""Jobs on more than one machine: a Dask scheduler hands them out, its workers perform them."""
