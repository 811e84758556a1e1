"""A request and an image, compiled to the OCI ``config.json`` that init obeys: values in, a value out."""
