"""All marts of the bench in Polars: a module for each domain, which has a function for each line."""
