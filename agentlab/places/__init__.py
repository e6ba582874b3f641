"""A person's own places and choices on this machine: folders, services, models, keys.

Here, and in the exceptions that `tests/test_environment.py` names, the environment is read; all
else gets what it needs handed in. `home` has the folders, `models` opens a model by its name with
the services and the caches of this machine, `findings` looks at what works here, `key_checks` asks
services about keys, `trust` decides what a stranger's trace may choose.
"""
