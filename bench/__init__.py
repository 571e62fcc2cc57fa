"""Benchmarks: a synthetic day, the whole chain and each stage timed beside peers. Nothing here is shipped."""
