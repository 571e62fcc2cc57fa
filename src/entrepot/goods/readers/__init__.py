"""One module per file format; each yields frames of raw columns plus the bookkeeping columns of `frames`."""
