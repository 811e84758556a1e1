"""From config.json to a running process: launcher, shim, init and exec."""
