"""One module for each thing people do; each offers `add(commands)` and an async function."""
