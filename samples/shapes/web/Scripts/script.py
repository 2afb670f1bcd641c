# Scripts of packages are never run.
