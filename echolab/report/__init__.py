"""Draw a record: the page, the comparison, the packet story. Facts go in, text comes out."""
